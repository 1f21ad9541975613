#include "exporter/scrape/naming.h"

#include <algorithm>
#include <string_view>

namespace pgbeacon::scrape {
namespace {

constexpr std::string_view kPrefix = "pg_";

}  // namespace

void ApplyPrefix(const Naming& naming, Families& page, std::size_t first) {
  if (naming.prefix + "_" == kPrefix) return;
  for (std::size_t i = first; i < page.size(); ++i) {
    std::string& name = page[i].name;
    if (name.starts_with(kPrefix)) name.replace(0, kPrefix.size() - 1, naming.prefix);
  }
}

void ApplyLabels(const Naming& naming, Families& page) {
  if (naming.labels.empty()) return;
  for (Family& family : page) {
    for (auto& metric : family.metric) {
      for (const auto& [name, value] : naming.labels) {
        const auto same = [&name = name](const auto& label) { return label.name == name; };
        if (std::ranges::any_of(metric.label, same)) continue;
        metric.label.push_back({name, value});
      }
    }
  }
}

}  // namespace pgbeacon::scrape
