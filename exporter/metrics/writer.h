// Exposition: families -> page text, in Prometheus text format 0.0.4 or OpenMetrics 1.0.
//
// Example:
//   Normalize(families);
//   std::string page;
//   WritePage(NegotiateFormat(accept), families, page);
#pragma once

#include <cstddef>
#include <string>

#include "base/families.h"
#include "exporter/metrics/gzip.h"
#include "exporter/metrics/negotiate.h"

namespace pgbeacon::metrics {

/// Appends the page. `families` must be normalised (base/families.h). A name means the same in both
/// formats: in OpenMetrics a counter without `_total`, and its `_total` twin where both are on the
/// page, is `unknown`; so is every family whose names or values that format would refuse (see
/// names.h). Samples with an invalid metric name or label name, or with one label twice, are left
/// out; returns how many. Label values and help are escaped and made valid UTF-8.
std::size_t WritePage(Format format, const Families& families, std::string& out);

}  // namespace pgbeacon::metrics
