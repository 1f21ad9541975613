#include "collectors/engine/label_limit.h"

#include <cstdint>
#include <functional>
#include <set>

namespace pgbeacon::collectors {
namespace {

constexpr std::int64_t kMostLabelLimit = 1 << 20;
constexpr std::string_view kMark = "...#";
constexpr std::size_t kDigits = 16;

std::string Hex(std::uint64_t number) {
  std::string digits(kDigits, '0');
  for (auto digit = digits.rbegin(); number != 0; ++digit, number >>= 4U) {
    *digit = "0123456789abcdef"[number & 0xFU];
  }
  return digits;
}

/// Whether the byte goes on with a character of UTF-8.
bool GoesOn(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

std::optional<std::size_t> ReadLabelLimit(YamlMap& map) {
  const std::optional<std::int64_t> bytes = map.Int("label_limit");
  if (!bytes) return std::nullopt;
  if (*bytes >= static_cast<std::int64_t>(kLeastLabelLimit) && *bytes <= kMostLabelLimit) {
    return static_cast<std::size_t>(*bytes);
  }
  map.Fail("label_limit", "label_limit: expected " + std::to_string(kLeastLabelLimit) + " to " +
                              std::to_string(kMostLabelLimit) + " bytes");
  return std::nullopt;
}

std::string Shortened(std::string_view value, std::size_t limit) {
  if (value.size() <= limit) return std::string(value);
  constexpr std::size_t kLongestCharacter = 4;
  std::size_t kept = limit - kMark.size() - kDigits;
  for (std::size_t i = 1; i < kLongestCharacter && kept > 0 && GoesOn(value[kept]); ++i) --kept;
  return std::string(value.substr(0, kept))
      .append(kMark)
      .append(Hex(std::hash<std::string_view>()(value)));
}

ShortLabels::ShortLabels(const PlannedCollector& planned, const Rows& base) : base_(base) {
  std::set<std::string_view> names;
  for (const Column* column : planned.columns) {
    if (!column->label.empty() || column->fills) names.insert(column->col);
  }
  for (std::size_t column = 0; column < base.columns(); ++column) {
    if (!names.contains(base.name(column))) continue;
    for (std::size_t row = 0; row < base.rows(); ++row) {
      const std::optional<std::string_view> value = base.at(row, column);
      if (!value || value->size() <= planned.label_limit) continue;
      short_.emplace(std::pair(row, column), Shortened(*value, planned.label_limit));
    }
  }
}

std::optional<std::string_view> ShortLabels::at(std::size_t row, std::size_t column) const {
  if (!short_.empty()) {
    if (const auto found = short_.find({row, column}); found != short_.end()) return found->second;
  }
  return base_.at(row, column);
}

}  // namespace pgbeacon::collectors
