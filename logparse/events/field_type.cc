#include "logparse/events/field_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace pgbeacon::log {
namespace {

constexpr FieldType kTypes[] = {
    {"int", HoleKind::kInteger, 1, 1, ""},
    {"float", HoleKind::kDecimal, 1, 1, ""},
    {"us", HoleKind::kDecimal, 1, 1e6, "_seconds"},
    {"ms", HoleKind::kDecimal, 1, 1e3, "_seconds"},
    {"s", HoleKind::kDecimal, 1, 1, "_seconds"},
    {"clock", HoleKind::kClock, 1, 1, "_seconds"},
    {"bytes", HoleKind::kDecimal, 1, 1, "_bytes"},
    {"kb", HoleKind::kDecimal, 1024, 1, "_bytes"},
    {"mb", HoleKind::kDecimal, 1048576, 1, "_bytes"},
    {"percent", HoleKind::kDecimal, 1, 100, "_ratio"},
    {"word", HoleKind::kWord, 1, 1, ""},
    {"text", HoleKind::kText, 1, 1, ""},
    {"flag", HoleKind::kFlag, 1, 1, ""},
};

constexpr std::array<double, 16> kPowersOfTen = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr std::size_t kExactDigits = 15;  // any integer of that many digits is exact in a double

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t Digits(std::string_view text, std::size_t from) {
  const char* at = text.data() + from;
  const char* const end = text.data() + text.size();
  while (at != end && IsDigit(*at)) ++at;
  return static_cast<std::size_t>(at - text.data());
}

// The end of an optional ".digits" at `at`.
std::size_t Fraction(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '.') return at;
  const std::size_t end = Digits(text, at + 1);
  return end == at + 1 ? at : end;
}

std::size_t ScanClock(std::string_view text) {
  std::size_t at = Digits(text, 0);
  if (at == 0) return 0;
  for (int i = 0; i < 2; ++i) {
    if (text.size() < at + 3 || text[at] != ':' || !IsDigit(text[at + 1]) ||
        !IsDigit(text[at + 2])) {
      return 0;
    }
    at += 3;
  }
  return Fraction(text, at);
}

double Decimal(std::string_view text, double multiply, double divide) {
  const bool negative = !text.empty() && text[0] == '-';
  std::int64_t mantissa = 0;
  if (text.size() <= kExactDigits) {
    std::size_t at = negative ? 1 : 0;
    for (; at < text.size() && text[at] != '.'; ++at) mantissa = mantissa * 10 + (text[at] - '0');
    const std::size_t point = at;
    for (++at; at < text.size(); ++at) mantissa = mantissa * 10 + (text[at] - '0');
    const std::size_t decimals = point < text.size() ? text.size() - point - 1 : 0;
    // One rounding only: both operands are exact.
    const double value =
        static_cast<double>(mantissa) * multiply / (kPowersOfTen[decimals] * divide);
    return negative ? -value : value;
  }
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return value * multiply / divide;
}

double Clock(std::string_view text) {
  const std::size_t hours_end = text.find(':');
  const double hours = Decimal(text.substr(0, hours_end), 1, 1);
  const double minutes = Decimal(text.substr(hours_end + 1, 2), 1, 1);
  // Whole milliseconds first, so that 0:00:10.033 is 10.033 and no sum of roundings.
  const double thousandths = Decimal(text.substr(hours_end + 4), 1000, 1);
  return ((hours * 60 + minutes) * 60000 + thousandths) / 1000;
}

}  // namespace

bool IsFieldName(std::string_view name) {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

const FieldType* FindFieldType(std::string_view name) {
  for (const FieldType& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

std::vector<std::string> FieldTypeNames() {
  std::vector<std::string> names;
  for (const FieldType& type : kTypes) names.emplace_back(type.name);
  return names;
}

double FieldNumber(const FieldType& type, std::string_view text) {
  if (type.kind == HoleKind::kClock) return Clock(text);
  return Decimal(text, type.multiply, type.divide);
}

std::size_t ScanNumber(HoleKind kind, std::string_view text) {
  if (kind == HoleKind::kClock) return ScanClock(text);
  const std::size_t start = !text.empty() && text[0] == '-' ? 1 : 0;
  const std::size_t end = Digits(text, start);
  if (end == start) return 0;
  return kind == HoleKind::kDecimal ? Fraction(text, end) : end;
}

}  // namespace pgbeacon::log
