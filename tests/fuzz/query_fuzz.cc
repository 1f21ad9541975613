// The request target of exporter/http: any bytes are decoded or refused, and a decoded text is
// never longer than what was sent.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exporter/http/query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = pgbeacon::http::ParseTarget(text);
  if (!target) return 0;
  std::size_t decoded = target->path.size();
  for (const auto& [key, value] : target->query) decoded += key.size() + value.size();
  if (decoded > size + 1) std::abort();  // an empty path is "/"
  return 0;
}
