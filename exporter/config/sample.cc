#include "exporter/config/sample.h"

#include <string_view>

namespace pgbeacon::config {
namespace {

constexpr std::chrono::seconds kShortest{1};
constexpr std::chrono::hours kLongest{24};

/// A name that is one word of a record.
void ReadName(YamlMap& map, const std::string& key, std::string& name) {
  const std::optional<std::string> text = map.String(key);
  if (!text) return;
  const bool word = !text->empty() && text->find_first_of(" \t\r\n\"=") == std::string::npos;
  if (!word) map.Fail(key, key + ": expected a name without blanks, quotes and '='");
  if (word) name = *text;
}

std::optional<double> ReadLimit(YamlMap& map, const std::string& key) {
  const std::optional<double> limit = map.Number(key);
  if (limit && !(*limit > 0)) {
    map.Fail(key, key + ": expected a number above 0");
    return std::nullopt;
  }
  return limit;
}

}  // namespace

std::optional<Sample> ReadSample(YamlMap& root) {
  std::optional<YamlMap> map = root.Map("sample");
  if (!map) return std::nullopt;
  Sample sample;
  if (const auto interval = map->Time("interval")) {
    if (*interval < kShortest || *interval > kLongest) {
      map->Fail("interval", "interval: expected a time from 1s to 24h");
    } else {
      sample.interval = *interval;
    }
  }
  ReadName(*map, "source", sample.source);
  ReadName(*map, "addon", sample.addon);
  map->Finish();
  return sample;
}

Limits ReadLimits(YamlMap& target) {
  Limits limits;
  std::optional<YamlMap> map = target.Map("limits");
  if (!map) return limits;
  limits.connections = ReadLimit(*map, "connections");
  limits.bytes = ReadLimit(*map, "bytes");
  limits.iops = ReadLimit(*map, "iops");
  map->Finish();
  return limits;
}

}  // namespace pgbeacon::config
