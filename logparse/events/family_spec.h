// Reads what a metric family is: an entry of `families:`, or a row's `metric` that declares a
// family of its own. docs/events.md describes the keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::log {

/// Reads `name`, `type`, `help`, `buckets`, `cap` and `born` of a family whose labels are set;
/// mistakes go to the map's errors.
void ReadFamily(YamlMap& map, FamilySpec& family);

/// Bounds for a histogram that names none, by the base unit in which its value ends: "_seconds"
/// (also for values without a unit) or "_bytes".
std::vector<double> DefaultBuckets(std::string_view value_name);

/// Whether users' families may not bear this name: it is, or may become, one of pgbeacon's own.
bool IsReservedFamily(std::string_view name);

/// "a histogram with the labels kind, mode"
std::string DescribeFamily(const FamilySpec& family);

}  // namespace pgbeacon::log
