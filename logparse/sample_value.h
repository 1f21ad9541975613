// Values of sample#, count# and measure# records: a number with a unit.
//
// Example:
//   ReadSampleValue("15405636.0kB")->value;                      // 15775371264, bytes
//   ToBaseUnit(*ReadSampleValue("1500"), spec);                  // by what the key is documented
//   as
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "logparse/events/catalogue.h"

namespace pgbeacon::log {

/// What a unit measures.
enum class Dimension : std::uint8_t { kNone, kBytes, kSeconds, kPages };

struct SampleValue {
  double value = 0;  ///< in the base unit
  Dimension dimension = Dimension::kNone;
  bool has_unit = false;
};

/// A number with an optional sign, fraction, exponent and unit: bytes B kB KB MB GB TB (1 kB is
/// 1024 bytes), us ms s m h, pages, %. Nothing for what is no finite number or has another unit.
std::optional<SampleValue> ReadSampleValue(std::string_view text);

/// The value of a documented key in its metric's unit. Nothing where the value's unit measures
/// something else.
std::optional<double> ToBaseUnit(const SampleValue& value, const SampleSpec& spec);

}  // namespace pgbeacon::log
