#include "collectors/engine/histogram_text.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/text.h"

namespace pgbeacon::collectors {
namespace {

constexpr double kMostCount = 9007199254740992.0;  // 2^53

std::optional<std::vector<double>> ReadArray(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  std::vector<double> numbers;
  for (const std::string& item : Split(text.substr(1, text.size() - 2), ',')) {
    const std::optional<double> number = ParseDouble(item);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<std::uint64_t> ToCount(std::optional<double> number) {
  if (!number || !(*number >= 0 && *number <= kMostCount)) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

std::optional<ClientMetric::Histogram> ReadHistogram(std::string_view text) {
  const std::vector<std::string> parts = Split(text, '|');
  if (parts.size() != 4) return std::nullopt;
  const auto bounds = ReadArray(parts[0]);
  const auto counts = ReadArray(parts[1]);
  const auto sum = ParseDouble(parts[2]);
  const auto count = ToCount(ParseDouble(parts[3]));
  if (!bounds || !counts || !sum || !count) return std::nullopt;
  ClientMetric::Histogram histogram;
  histogram.sample_sum = *sum;
  histogram.sample_count = *count;
  for (std::size_t i = 0; i < std::min(bounds->size(), counts->size()); ++i) {
    const auto below = ToCount((*counts)[i]);
    if (!below) return std::nullopt;
    histogram.bucket.push_back({*below, (*bounds)[i]});
  }
  std::ranges::sort(histogram.bucket, {}, &ClientMetric::Bucket::upper_bound);
  return histogram;
}

}  // namespace pgbeacon::collectors
