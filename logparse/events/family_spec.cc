#include "logparse/events/family_spec.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/families.h"
#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::array<std::string_view, 3> kTypes = {"counter", "gauge", "histogram"};

}  // namespace

void ReadFamily(YamlMap& map, FamilySpec& family) {
  family.name = map.Require("name");
  family.help = map.Require("help");
  const std::string type =
      map.Choice("type", {kTypes.begin(), kTypes.end()}).value_or(std::string(kTypes[0]));
  family.type = static_cast<FamilySpec::Type>(std::ranges::find(kTypes, type) - kTypes.begin());
  family.buckets = map.Numbers("buckets");
  family.label_cap = static_cast<int>(map.Int("cap").value_or(family.label_cap));
  if (family.labels.empty()) {
    if (map.Bool("born").value_or(false)) family.born.emplace_back();
  } else {
    for (const std::string& values : map.Strings("born")) {
      family.born.push_back(Split(values, ','));
      if (family.born.back().size() != family.labels.size()) {
        map.Fail("born", "'" + values + "' does not give one value per label");
      }
    }
  }
  if (!family.name.empty() && !IsMetricName(family.name)) {
    map.Fail("name", "'" + family.name + "' is no metric name");
  }
  for (const std::string& label : family.labels) {
    if (!IsLabelName(label) || label == "server" || label == "le") {
      map.Fail("labels", "'" + label + "' cannot be a label here");
    }
  }
  if (family.type != FamilySpec::Type::kHistogram && !family.buckets.empty()) {
    map.Fail("buckets", "a histogram needs buckets, and nothing else has them");
  }
  if (std::ranges::adjacent_find(family.buckets, std::greater_equal<>()) != family.buckets.end()) {
    map.Fail("buckets", "buckets must ascend");
  }
  if (family.label_cap < 1) map.Fail("cap", "a cap of at least 1 is expected");
}

std::vector<double> DefaultBuckets(std::string_view value_name) {
  if (value_name.ends_with("_bytes")) {
    return {1024, 16384, 262144, 4194304, 67108864, 1073741824, 17179869184};
  }
  return {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800};
}

bool IsReservedFamily(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOwn = {"pg_", "pgbeacon_", "pgbouncer_",
                                                    "platform_log_", "process_"};
  return std::ranges::any_of(kOwn, [&](std::string_view own) { return name.starts_with(own); });
}

std::string DescribeFamily(const FamilySpec& family) {
  const std::string type(kTypes[static_cast<std::size_t>(family.type)]);
  if (family.labels.empty()) return "a " + type + " without labels";
  return "a " + type + " with the labels " + Join(family.labels, ", ");
}

}  // namespace pgbeacon::log
