// CheckReadEnds: whether others, libraries that open files themselves, may be given a file's name.
//
// Example:
//   const Status ends = CheckReadEnds(path, ShownPath(path));
//   if (!ends.ok()) return ends;   // "cannot read /x: it is a named pipe, expected a regular file"
#pragma once

#include <string>

#include "base/result.h"

namespace pgbeacon::net {

/// Whether the file can be opened and read without waiting for a pipe's writer or a device:
/// kInvalid where not. That it is there, or may be read, is not asked. The Error has `shown` in the
/// path's place. Blocks where its file system hangs.
Status CheckReadEnds(const std::string& path, const std::string& shown);

}  // namespace pgbeacon::net
