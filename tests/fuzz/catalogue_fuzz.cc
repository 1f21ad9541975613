// Event catalogues: any text loads, and then matches, or is an error that names the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/events/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pgbeacon::log;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto catalogue = Catalogue::Load(text, "fuzz.yml");
  if (!catalogue.ok()) {
    if (catalogue.error().message.find("fuzz.yml") == std::string::npos) std::abort();
    return 0;
  }
  Event event;
  for (const EventRow& row : catalogue.value().rows()) {
    for (const std::string& sample : row.samples) {
      Message message;
      message.text = sample;
      catalogue.value().Match(message, event);
    }
  }
  return 0;
}
