#include "logparse/sample_value.h"

#include <charconv>
#include <cmath>
#include <string>

namespace pgbeacon::log {
namespace {

struct Unit {
  std::string_view name;
  double multiply;
  double divide;
  Dimension dimension;
};
constexpr Unit kUnits[] = {
    {"bytes", 1, 1, Dimension::kBytes},          {"B", 1, 1, Dimension::kBytes},
    {"kB", 1024, 1, Dimension::kBytes},          {"KB", 1024, 1, Dimension::kBytes},
    {"MB", 1048576, 1, Dimension::kBytes},       {"GB", 1073741824, 1, Dimension::kBytes},
    {"TB", 1099511627776, 1, Dimension::kBytes}, {"us", 1, 1e6, Dimension::kSeconds},
    {"ms", 1, 1e3, Dimension::kSeconds},         {"s", 1, 1, Dimension::kSeconds},
    {"m", 60, 1, Dimension::kSeconds},           {"h", 3600, 1, Dimension::kSeconds},
    {"pages", 1, 1, Dimension::kPages},          {"%", 1, 100, Dimension::kNone},
};

/// What a metric measures, by the unit in its name.
Dimension DimensionOf(std::string_view metric) {
  if (metric.find("_bytes") != std::string_view::npos) return Dimension::kBytes;
  if (metric.ends_with("_seconds")) return Dimension::kSeconds;
  return metric.ends_with("_pages") ? Dimension::kPages : Dimension::kNone;
}

}  // namespace

std::optional<SampleValue> ReadSampleValue(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  SampleValue read;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read.value);
  if (error != std::errc() || !std::isfinite(read.value)) return std::nullopt;
  const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (name.empty()) return read;
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    read.value = read.value * unit.multiply / unit.divide;
    read.dimension = unit.dimension;
    read.has_unit = true;
    if (!std::isfinite(read.value)) return std::nullopt;
    return read;
  }
  return std::nullopt;
}

std::optional<double> ToBaseUnit(const SampleValue& value, const SampleSpec& spec) {
  if (!value.has_unit) {
    // 1500 millionths are 0.0015, not 0.0014999999999999998.
    return spec.scale < 1 ? value.value / std::round(1 / spec.scale) : value.value * spec.scale;
  }
  if (value.dimension != DimensionOf(spec.metric)) return std::nullopt;
  return value.value;
}

}  // namespace pgbeacon::log
