// Sheet: families being filled in any order, a sample at a time, within a bound.
//
// Example:
//   constexpr Metric kUp = {"patroni_up", MetricType::Gauge, "Whether Patroni answered."};
//   Sheet sheet;
//   sheet.Add(kUp, {{"scope", "demo"}}, 1);
//   Families families = sheet.Take();
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/families.h"

namespace pgbeacon::collectors {

/// What a metric is; names and help live as long as the program.
struct Metric {
  const char* name;
  MetricType type;
  const char* help;
};

class Sheet {
 public:
  /// Series at most; further ones are counted as dropped.
  explicit Sheet(std::size_t limit = 20'000) : limit_(limit) {}

  /// A value that is not finite, or a counter below zero, is no sample and counts as dropped.
  void Add(const Metric& metric, const Labels& labels, double value);
  /// Nothing is no sample.
  void Add(const Metric& metric, const Labels& labels, std::optional<double> value) {
    if (value) Add(metric, labels, *value);
  }

  Families Take() { return std::move(families_); }
  std::size_t dropped() const { return dropped_; }

 private:
  std::size_t limit_;
  std::size_t series_ = 0;
  std::size_t dropped_ = 0;
  Families families_;
  std::map<std::string_view, std::size_t> index_;  // of a name in families_
};

}  // namespace pgbeacon::collectors
