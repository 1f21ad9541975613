// ExactSum: a sum that does not depend on the order of its parts.
//
// Example:
//   ExactSum sum;
//   sum.Add(0.1);
//   sum.value();
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgbeacon::log {

/// A sum of values in billionths: exact, so that the order in which messages are counted and
/// tallies are merged does not show.
class ExactSum {
 public:
  static constexpr double kLargest = 1e20;  ///< beyond it a value is no measurement: not added

  void Add(double value) {
    if (value >= 0 && value < kFewDigits) {
      billionths_ += static_cast<std::int64_t>(value * kBillion + 0.5);
    } else {
      AddAny(value);
    }
  }
  void Add(const ExactSum& other) { billionths_ += other.billionths_; }
  void Subtract(const ExactSum& other) { billionths_ -= other.billionths_; }
  double value() const;

  /// The exact sum as a decimal number: "0.200999".
  void AppendTo(std::string& out) const;
  /// Reads what AppendTo() wrote.
  static std::optional<ExactSum> Parse(std::string_view text);

  friend auto operator<=>(const ExactSum&, const ExactSum&) = default;  // NOLINT

 private:
  __extension__ using Int128 = __int128;
  static constexpr double kBillion = 1e9;
  static constexpr double kFewDigits = 1e6;  // its billionths and a half are exact in a double

  void AddAny(double value);

  Int128 billionths_ = 0;
};

}  // namespace pgbeacon::log
