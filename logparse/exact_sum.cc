#include "logparse/exact_sum.h"

#include <cmath>

namespace pgbeacon::log {
namespace {

constexpr double kSmallEnough = 9e9;  // in billionths fits 64 bits

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

}  // namespace pgbeacon::log
