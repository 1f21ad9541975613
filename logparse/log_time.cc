#include "logparse/log_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

struct Zone {
  std::string_view name;
  double hours;  // east of Greenwich
};

/// Abbreviations that stand for one offset wherever they are used. Not among them: AST, BST, CST,
/// IST, SST and the like.
constexpr std::array<Zone, 38> kZones = {{
    {"Z", 0},      {"UTC", 0},     {"GMT", 0},   {"WET", 0},   {"WEST", 1},  {"CET", 1},
    {"CEST", 2},   {"MET", 1},     {"MEST", 2},  {"EET", 2},   {"EEST", 3},  {"MSK", 3},
    {"SAST", 2},   {"EAT", 3},     {"WAT", 1},   {"CAT", 2},   {"PKT", 5},   {"WIB", 7},
    {"WITA", 8},   {"WIT", 9},     {"HKT", 8},   {"JST", 9},   {"KST", 9},   {"AWST", 8},
    {"ACST", 9.5}, {"ACDT", 10.5}, {"AEST", 10}, {"AEDT", 11}, {"NZST", 12}, {"NZDT", 13},
    {"NST", -3.5}, {"NDT", -2.5},  {"EST", -5},  {"EDT", -4},  {"MDT", -6},  {"PST", -8},
    {"PDT", -7},   {"HST", -10},
}};

std::optional<double> OffsetOf(std::string_view zone) {
  const auto* found = std::ranges::find(kZones, zone, &Zone::name);
  return found == kZones.end() ? std::nullopt : std::optional(found->hours);
}

}  // namespace

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
  if (const std::optional<double> offset = OffsetOf(text)) return time - *offset * 3600;
  const int sign = text.starts_with('-') ? -1 : 1;
  const int hours = number(sign < 0 ? '-' : '+', 2);
  if (hours < 0) return {};
  const int minutes = text.empty() ? 0 : number(text.starts_with(':') ? ':' : '\0', 2);
  if (minutes < 0 || !text.empty()) return {};
  return time - sign * (hours * 3600 + minutes * 60);
}

}  // namespace pgbeacon::log
