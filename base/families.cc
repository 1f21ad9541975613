#include "base/families.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>

#include "base/text.h"

namespace pgbeacon {
namespace {

bool IsName(std::string_view name, bool colon) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  return std::ranges::all_of(name, [colon](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || c == '_' || (colon && c == ':');
  });
}

/// What tells a series from others on a page: an empty label is no label, the order does not
/// matter, and what is not UTF-8 has been replaced.
using LabelView = std::vector<std::pair<std::string_view, std::string_view>>;

LabelView Seen(const ClientMetric& metric) {
  LabelView labels;
  for (const auto& label : metric.label) {
    if (!label.value.empty()) labels.emplace_back(label.name, label.value);
  }
  std::ranges::sort(labels);
  return labels;
}

bool SameSeries(const ClientMetric& a, const ClientMetric& b) {
  return a.label == b.label || Seen(a) == Seen(b);
}

/// The same for any order of labels. Of names it takes what is quickly had: they rarely differ.
std::uint32_t HashOf(const ClientMetric& metric) {
  constexpr std::size_t kOdd = 0x9E3779B97F4A7C15;
  const std::hash<std::string_view> hash;
  std::size_t sum = 0;
  for (const auto& label : metric.label) {
    if (label.value.empty()) continue;
    const std::size_t name = label.name.size() + static_cast<unsigned char>(label.name[0]) * kOdd;
    sum += (hash(label.value) + name) * kOdd;
  }
  return static_cast<std::uint32_t>(sum >> 32U);
}

/// Replaces what the page cannot show in any case, so that series which look alike there are alike.
void MakeUtf8(Family& family) {
  for (ClientMetric& metric : family.metric) {
    for (auto& label : metric.label) {
      if (!IsUtf8(label.value)) label.value = ToUtf8(label.value);
    }
  }
}

/// The series of one family after the other. One flat table for all of them: a page has tens of
/// thousands of series, of which a set of nodes would take half as much memory again.
class SeriesTable {
 public:
  std::size_t DropDuplicates(Family& family) {
    std::vector<ClientMetric>& series = family.metric;
    if (series.size() < 2) return 0;
    MakeUtf8(family);
    slots_.assign(std::bit_ceil(series.size() * 2), {});
    std::vector<std::size_t> again;
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (!Insert(series, i)) again.push_back(i);
    }
    if (again.empty()) return 0;
    std::size_t at = 0;
    auto next = again.begin();
    return std::erase_if(series, [&](const ClientMetric&) {
      if (next == again.end() || *next != at++) return false;
      ++next;
      return true;
    });
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;  ///< of the series, from 1; 0: free
  };

  bool Insert(const std::vector<ClientMetric>& series, std::size_t index) {
    const std::uint32_t hash = HashOf(series[index]);
    for (std::size_t at = hash;; ++at) {
      Slot& slot = slots_[at & (slots_.size() - 1)];
      if (slot.number == 0) {
        slot = {hash, static_cast<std::uint32_t>(index + 1)};
        return true;
      }
      if (slot.hash == hash && SameSeries(series[slot.number - 1], series[index])) return false;
    }
  }

  std::vector<Slot> slots_;
};

}  // namespace

Family& AddFamily(Families& families, std::string name, MetricType type, std::string help) {
  return families.emplace_back(NewFamily(std::move(name), type, std::move(help)));
}

Family NewFamily(std::string name, MetricType type, std::string help) {
  Family family;
  family.name = std::move(name);
  family.type = type;
  family.help = std::move(help);
  return family;
}

ClientMetric& AddSample(Family& family, Labels labels, double value) {
  ClientMetric& metric = family.metric.emplace_back();
  metric.label.reserve(labels.size());
  for (auto& label : labels) {
    metric.label.push_back({std::move(label.first), std::move(label.second)});
  }
  switch (family.type) {
    case MetricType::Counter:
      metric.counter.value = value;
      break;
    case MetricType::Gauge:
      metric.gauge.value = value;
      break;
    default:
      metric.untyped.value = value;
  }
  return metric;
}

ClientMetric& AddHistogram(Family& family, Labels labels, const std::vector<double>& bounds,
                           const std::vector<std::uint64_t>& counts, double sum) {
  ClientMetric& metric = family.metric.emplace_back();
  for (auto& label : labels) {
    metric.label.push_back({std::move(label.first), std::move(label.second)});
  }
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cumulative += counts[i];
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = sum;
  return metric;
}

std::size_t Normalize(Families& families) {
  std::ranges::stable_sort(families, {}, &Family::name);
  std::size_t dropped = 0;
  std::size_t last = 0;
  for (std::size_t i = 1; i < families.size(); ++i) {
    if (families[i].name != families[last].name) {
      if (++last != i) families[last] = std::move(families[i]);
    } else if (families[i].type == families[last].type) {
      std::ranges::move(families[i].metric, std::back_inserter(families[last].metric));
    } else {
      dropped += families[i].metric.size();
    }
  }
  if (!families.empty()) families.resize(last + 1);
  SeriesTable seen;
  for (Family& family : families) dropped += seen.DropDuplicates(family);
  std::erase_if(families, [](const Family& family) { return family.metric.empty(); });
  return dropped;
}

bool IsMetricName(std::string_view name) { return IsName(name, true); }

bool IsLabelName(std::string_view name) { return IsName(name, false) && !name.starts_with("__"); }

}  // namespace pgbeacon
