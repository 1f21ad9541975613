#include "exporter/config/range.h"

namespace pgbeacon::config {

std::optional<std::int64_t> ReadRange(YamlMap& map, const std::string& key, std::int64_t least,
                                      std::int64_t most, std::string_view what) {
  const std::optional<std::int64_t> number = map.Int(key);
  if (!number || (*number >= least && *number <= most)) return number;
  map.Fail(key, key + ": expected " + std::string(what) + " from " + std::to_string(least) +
                    " to " + std::to_string(most));
  return std::nullopt;
}

}  // namespace pgbeacon::config
