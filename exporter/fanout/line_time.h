// LineTime: times as logs and senders print them, as `heroku logs` prints them:
//   2026-01-31T23:59:59.500000+00:00
//
// Example:
//   LineTime times;
//   times.Format("2026-01-31 23:59:59.5 UTC");   // valid until the next call
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgbeacon::fanout {

/// Microseconds since the epoch in that form.
std::string FormatLineTime(std::int64_t unix_microseconds);

/// Remembers the last second it saw, since lines of one second come together.
class LineTime {
 public:
  static constexpr std::size_t kSize = 32;

  /// What is empty, or no time with a known zone, is now.
  std::string_view Format(std::string_view printed);

 private:
  std::string_view Now();
  bool Reuse(std::string_view second, std::string_view fraction, std::string_view zone);

  std::string second_;  // of the last time: its first 19 characters
  std::string zone_;    // and what stood behind the fraction
  std::array<char, kSize> text_{};
  std::int64_t now_second_ = -1;
  std::array<char, kSize> now_text_{};
};

}  // namespace pgbeacon::fanout
