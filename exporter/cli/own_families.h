// The families that pgbeacon fills without a collector file: of its native collectors, of logs and
// its own.
//
// Example:
//   const std::map<std::string, MetricType> taken = OwnFamilies();
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/families.h"

namespace pgbeacon::cli {

/// Their names and types. A histogram's _bucket, _sum and _count are taken with it.
std::map<std::string, MetricType> OwnFamilies();

/// The labels of those of them that a target's page has.
std::set<std::string> TargetLabels();

}  // namespace pgbeacon::cli
