#include "logparse/data.h"

#include <cstddef>
#include <span>

#include "base/embedded.h"

namespace pgbeacon {

extern const EmbeddedFile kEventFiles[];
extern const std::size_t kEventFilesCount;

}  // namespace pgbeacon

namespace pgbeacon::log {

std::string_view DataFile(std::string_view name) {
  for (const EmbeddedFile& file : std::span(kEventFiles, kEventFilesCount)) {
    if (file.name == name) return file.text;
  }
  return {};
}

}  // namespace pgbeacon::log
