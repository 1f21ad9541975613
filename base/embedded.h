// Files that the build embeds (CMake's pgb_embed): catalogues are data in the tree and part of the
// binary.
//
// Example:
//   extern const EmbeddedFile kCollectorFiles[];
//   extern const std::size_t kCollectorFilesCount;
//   for (const EmbeddedFile& file : std::span(kCollectorFiles, kCollectorFilesCount))
//   Read(file.text, file.name);
#pragma once

#include <cstddef>
#include <string_view>

namespace pgbeacon {

/// One embedded file: its path inside the project and its bytes, both valid for the whole run.
struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};

}  // namespace pgbeacon
