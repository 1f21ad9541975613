#include "exporter/config/quota.h"

#include <algorithm>
#include <optional>

namespace pgbeacon::config {

ingest::Quota ReadQuota(YamlMap& map) {
  ingest::Quota quota;
  std::optional<YamlMap> entry = map.Map("quota");
  if (!entry) return quota;
  const std::optional<double> lines = entry->Number("lines_per_second");
  const std::optional<double> burst = entry->Number("burst");
  entry->Finish();
  if (!lines || !(*lines > 0)) {
    map.Fail("quota", "quota: lines_per_second has to be a number above 0");
    return quota;
  }
  if (burst && !(*burst >= 1)) map.Fail("quota", "quota: burst has to be 1 line or more");
  quota.lines_per_second = *lines;
  constexpr double kSeconds = 10;  // of the quota, at once
  quota.burst = std::max(1.0, burst.value_or(*lines * kSeconds));
  return quota;
}

}  // namespace pgbeacon::config
