#include "collectors/engine/samples.h"

#include <algorithm>
#include <utility>

namespace pgbeacon::collectors {
namespace {

std::string KeyOf(const std::string& family, const ClientMetric& metric) {
  std::string key = family;
  for (const auto& label : metric.label) {
    key.append(1, '\0').append(label.name).append(1, '\0').append(label.value);
  }
  return key;
}

}  // namespace

void SampleTally::Add(const Decoded& sample, std::size_t limit, double seconds) {
  dropped_ = sample.dropped;
  for (const Family& family : sample.families) {
    for (const ClientMetric& metric : family.metric) {
      std::string key = KeyOf(family.name, metric);
      auto place = places_.find(key);
      if (place == places_.end()) {
        if (places_.size() >= limit) {
          ++dropped_;
          continue;
        }
        auto held = std::ranges::find(families_, family.name, &Family::name);
        if (held == families_.end()) {
          held = families_.insert(held, Family{family.name, family.help, family.type, {}});
        }
        held->metric.push_back(metric);
        held->metric.back().counter.value = 0;
        const Place at{static_cast<std::size_t>(held - families_.begin()), held->metric.size() - 1};
        place = places_.emplace(std::move(key), at).first;
      }
      ClientMetric& held = families_[place->second.family].metric[place->second.metric];
      held.counter.value += metric.counter.value * seconds;
    }
  }
}

}  // namespace pgbeacon::collectors
