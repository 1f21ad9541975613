#include "logparse/log_time.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include "base/text.h"

namespace pgbeacon::log {

std::optional<double> ParseLogTime(std::string_view text) {
  if (const auto seconds = ParseDouble(text)) {
    return std::isfinite(*seconds) && *seconds > 0 ? seconds : std::nullopt;
  }
  const auto number = [&text](char before, std::size_t digits) -> int {
    if (before != '\0' && !text.starts_with(before)) return -1;
    const std::string_view part = text.substr(before == '\0' ? 0 : 1).substr(0, digits);
    int value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || part.size() != digits || end != part.data() + digits) return -1;
    text = {end, static_cast<std::size_t>(text.data() + text.size() - end)};
    return value;
  };
  const int year = number('\0', 4);
  const int month = number('-', 2);
  const int day = number('-', 2);
  const int hour = number(text.starts_with('T') ? 'T' : ' ', 2);
  const int minute = number(':', 2);
  const int second = number(':', 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return {};
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return {};
  double time = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) * 86400;
  time += hour * 3600 + minute * 60 + second;
  if (text.starts_with('.')) {
    const std::string_view fraction = text.substr(0, text.find_first_not_of("0123456789", 1));
    time += ParseDouble("0" + std::string(fraction)).value_or(0);
    text.remove_prefix(fraction.size());
  }
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (text == "Z" || text == "UTC" || text == "GMT") return time;
  const int sign = text.starts_with('-') ? -1 : 1;
  const int hours = number(sign < 0 ? '-' : '+', 2);
  if (hours < 0) return {};
  const int minutes = text.empty() ? 0 : number(text.starts_with(':') ? ':' : '\0', 2);
  if (minutes < 0 || !text.empty()) return {};
  return time - sign * (hours * 3600 + minutes * 60);
}

}  // namespace pgbeacon::log
