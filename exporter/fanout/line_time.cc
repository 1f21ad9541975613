#include "exporter/fanout/line_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "logparse/log_time.h"

namespace pgbeacon::fanout {
namespace {

constexpr std::size_t kDate = 10;      // "2026-01-31"
constexpr std::size_t kSecond = 19;    // "2026-01-31T23:59:59"
constexpr std::size_t kFraction = 20;  // where its digits begin
constexpr std::size_t kDigits = 6;
constexpr std::int64_t kMillion = 1'000'000;
constexpr double kLastYear = 253'402'300'799;  // 9999-12-31T23:59:59

/// Puts the digits in place, cut or filled up with zeros.
template <class Text>
void SetFraction(Text& text, std::string_view digits) {
  for (std::size_t i = 0; i < kDigits; ++i)
    text[kFraction + i] = i < digits.size() ? digits[i] : '0';
}

template <class Text>
void SetTime(Text& text, std::int64_t unix_microseconds) {
  const std::string made = FormatLineTime(unix_microseconds);
  std::ranges::copy(made, text.begin());
}

}  // namespace

std::string FormatLineTime(std::int64_t unix_microseconds) {
  const std::chrono::sys_time<std::chrono::microseconds> time{
      std::chrono::microseconds(unix_microseconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00",
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::string_view LineTime::Now() {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::microseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  if (now / kMillion != now_second_) {
    now_second_ = now / kMillion;
    SetTime(now_text_, now);
  }
  std::array<char, kDigits> digits{};
  std::int64_t rest = now % kMillion;
  for (std::size_t i = kDigits; i-- > 0; rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  SetFraction(now_text_, {digits.data(), digits.size()});
  return {now_text_.data(), now_text_.size()};
}

bool LineTime::Reuse(std::string_view second, std::string_view fraction, std::string_view zone) {
  if (second != second_ || zone != zone_) return false;
  SetFraction(text_, fraction);
  return true;
}

std::string_view LineTime::Format(std::string_view printed) {
  if (printed.empty()) return Now();
  const std::string_view second = printed.substr(0, kSecond);
  std::string_view fraction;
  std::string_view zone = printed.substr(second.size());
  if (zone.starts_with('.')) {
    const std::size_t end = std::min(zone.find_first_not_of("0123456789", 1), zone.size());
    fraction = zone.substr(1, end - 1);
    zone.remove_prefix(end);
  }
  if (Reuse(second, fraction, zone)) return {text_.data(), text_.size()};
  const bool calendar = second.size() == kSecond && second.find_first_of(" T") == kDate;
  const std::optional<double> time =
      log::ParseLogTime(calendar ? std::string(second) + std::string(zone) : std::string(printed));
  if (!time || *time < 0 || *time > kLastYear) return Now();
  SetTime(text_, std::llround(*time * kMillion));
  second_ = calendar ? second : std::string_view();
  zone_ = zone;
  if (calendar) SetFraction(text_, fraction);
  return {text_.data(), text_.size()};
}

}  // namespace pgbeacon::fanout
