#include "exporter/config/logplex.h"

#include <cstdint>
#include <string_view>

#include "exporter/config/quota.h"
#include "exporter/config/range.h"

namespace pgbeacon::config {
namespace {

constexpr std::int64_t kLeastBytes = std::int64_t{128} << 10;  // Logplex' own frames have 100 KiB
constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;

std::optional<std::size_t> ReadBytes(YamlMap& map, const std::string& key) {
  const std::optional<std::int64_t> bytes = ReadRange(map, key, kLeastBytes, kMostBytes);
  return bytes ? std::optional(static_cast<std::size_t>(*bytes)) : std::nullopt;
}

}  // namespace

Logplex ReadLogplex(YamlMap& root) {
  Logplex logplex;
  const std::size_t mistakes = root.mistakes();
  logplex.open = root.Has("logplex");
  std::optional<YamlMap> map = root.Map("logplex");
  if (!map) {
    logplex.invalid = root.mistakes() > mistakes;
    return logplex;
  }
  logplex.tokens = map->String("tokens").value_or("");
  logplex.credentials = map->String("credentials").value_or("");
  logplex.prefix = map->String("prefix");
  logplex.quota = ReadQuota(*map);
  logplex.body_bytes = ReadBytes(*map, "body_bytes");
  logplex.in_flight_bytes = ReadBytes(*map, "in_flight_bytes");
  if (logplex.body_bytes && logplex.in_flight_bytes &&
      *logplex.in_flight_bytes < *logplex.body_bytes) {
    map->Fail("in_flight_bytes", "in_flight_bytes: less than body_bytes");
  }
  map->Finish();
  logplex.invalid = root.mistakes() > mistakes;
  return logplex;
}

}  // namespace pgbeacon::config
