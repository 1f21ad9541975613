// Users' collector files: any text is a collector or an error that names the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/engine/spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto collector = pgbeacon::collectors::ReadCollector(text, "fuzz.yml");
  const bool named = collector.ok()
                         ? !collector.value().name.empty()
                         : collector.error().message.find("fuzz.yml") != std::string::npos;
  if (!named) std::abort();
  return 0;
}
