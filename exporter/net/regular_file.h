// The one way to read a file that somebody has named. It never waits for a pipe's writer or a
// device; a file system that hangs still blocks: on a pool thread, where others must go on.
//
// Example:
//   const Result<std::string> text = ReadRegularFile("/etc/pgbeacon.yml");
//   if (!text.ok()) Complain(text.error().message);   // "cannot read ...: it is a named pipe, ..."
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace pgbeacon::net {

inline constexpr std::size_t kMostFileBytes = std::size_t{16} << 20;

/// The whole file. The Error names the path and what is wrong: kNotFound, kDenied, kInvalid where
/// it is no regular file or larger than 16 MiB, else kUnavailable.
Result<std::string> ReadRegularFile(const std::string& path);
/// The same; the Error has `shown` in the path's place.
Result<std::string> ReadRegularFile(const std::string& path, const std::string& shown);

}  // namespace pgbeacon::net
