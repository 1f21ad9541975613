// Any text as --web.config.file: it is read to its end, and what is taken is what the format
// allows.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exporter/config/web_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using pgbeacon::config::WebConfig;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  pgbeacon::YamlErrors errors;
  const WebConfig config = pgbeacon::config::ReadWebConfig(text, "web.yml", errors);
  for (const auto& [user, hash] : config.users) {
    if (!pgbeacon::config::BcryptCost(hash)) std::abort();
  }
  for (const auto& [name, value] : config.headers) {
    if (value.find_first_of("\r\n") != std::string::npos) std::abort();
  }
  if (config.rate_limit && config.rate_limit->burst < 1) std::abort();
  if (!errors.empty() || !config.tls) return 0;
  if (config.tls->cert.empty() || config.tls->key.empty()) std::abort();
  if (config.tls->min_version < TLS1_2_VERSION) std::abort();
  if (config.tls->max_version < config.tls->min_version) std::abort();
  return 0;
}
