#include "logparse/exact_sum.h"

#include <algorithm>
#include <cmath>

#include "logparse/tally_row.h"

namespace pgbeacon::log {
namespace {

constexpr double kSmallEnough = 9e9;    // in billionths fits 64 bits
constexpr std::size_t kFraction = 9;    // digits
constexpr std::size_t kMostWhole = 29;  // digits whose billionths fit 128 bits

}  // namespace

void ExactSum::AddAny(double value) {
  if (!(std::fabs(value) <= kLargest)) return;
  if (std::fabs(value) < kSmallEnough) {
    billionths_ += std::llround(value * kBillion);
    return;
  }
  const double whole = std::trunc(value);
  billionths_ += static_cast<Int128>(whole) * static_cast<Int128>(kBillion);
  billionths_ += std::llround((value - whole) * kBillion);
}

double ExactSum::value() const {
  const auto billion = static_cast<Int128>(kBillion);
  // The whole part alone where the fraction is beyond a double's precision anyway.
  const Int128 limit = billion * 9'000'000;
  if (billionths_ < limit && billionths_ > -limit)
    return static_cast<double>(billionths_) / kBillion;
  const Int128 whole = billionths_ / billion;
  return static_cast<double>(whole) + static_cast<double>(billionths_ % billion) / kBillion;
}

void ExactSum::AppendTo(std::string& out) const {
  __extension__ using Unsigned = unsigned __int128;
  Unsigned rest = static_cast<Unsigned>(billionths_);
  if (billionths_ < 0) {
    out += '-';
    rest = -rest;
  }
  const auto billion = static_cast<Unsigned>(kBillion);
  auto fraction = static_cast<std::uint64_t>(rest % billion);
  rest /= billion;
  char digits[40];
  char* const end = digits + sizeof digits;
  char* at = end;
  for (; rest > UINT64_MAX; rest /= 10)
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
  AppendCount(out, static_cast<std::uint64_t>(rest));
  out.append(at, end);
  if (fraction == 0) return;
  out += '.';
  for (auto unit = static_cast<std::uint64_t>(kBillion) / 10; fraction > 0; unit /= 10) {
    out += static_cast<char>('0' + static_cast<int>(fraction / unit));
    fraction %= unit;
  }
}

std::optional<ExactSum> ExactSum::Parse(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || whole.size() > kMostWhole || fraction.size() > kFraction) return {};
  if (point < text.size() && fraction.empty()) return {};
  Int128 billionths = 0;
  for (const std::string_view digits : {whole, fraction}) {
    for (const char c : digits) {
      if (c < '0' || c > '9') return {};
      billionths = billionths * 10 + (c - '0');
    }
  }
  for (std::size_t i = fraction.size(); i < kFraction; ++i) billionths *= 10;
  ExactSum sum;
  sum.billionths_ = negative ? -billionths : billionths;
  return sum;
}

}  // namespace pgbeacon::log
