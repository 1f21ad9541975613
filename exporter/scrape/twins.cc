#include "exporter/scrape/twins.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace pgbeacon::scrape {
namespace {

/// The same for any order of labels; an empty label is as good as none.
std::string KeyOf(const std::string& name, const ClientMetric& metric) {
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  for (const auto& label : metric.label) {
    if (!label.value.empty()) labels.emplace_back(label.name, label.value);
  }
  std::ranges::sort(labels);
  std::string key = name;
  for (const auto& [label, value] : labels) {
    key.append(1, '\0').append(label).append(1, '\0').append(value);
  }
  return key;
}

}  // namespace

std::size_t Twins::TakeOut(Family& family) {
  if (names_ == nullptr || !names_->contains(family.name)) return 0;
  return std::erase_if(family.metric, [&](const ClientMetric& metric) {
    return !seen_.insert(KeyOf(family.name, metric)).second;
  });
}

}  // namespace pgbeacon::scrape
