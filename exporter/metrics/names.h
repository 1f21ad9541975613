// Which name and type each family of a page gets, so that no reader refuses the page.
//
// A family lays claim to more names than its own: a histogram `h` to h_bucket, h_sum and h_count,
// an OpenMetrics counter `x_total` to x and x_created. Where two families claim one name, the
// readers differ: Prometheus takes the page, promtool and OpenMetrics parsers refuse it. Here such
// families give up what is theirs beyond the series they write: a counter becomes `unknown` under
// its full name, a histogram or summary becomes one untyped family for each of its series names.
#pragma once

#include <string_view>
#include <vector>

#include "base/families.h"
#include "exporter/metrics/negotiate.h"

namespace pgbeacon::metrics {

/// The head of one family on the page. Borrows the family.
struct Head {
  const Family* family = nullptr;
  std::string_view name;  ///< after "# TYPE"
  std::string_view type;
};

/// One head for each family, in order. Those of histograms and summaries that cannot stay what they
/// are go to `split` by index; the page must then be made from Split(families, split).
std::vector<Head> NameFamilies(Format format, const Families& families,
                               std::vector<std::size_t>& split);

/// A normalised copy of `families` in which those of `indices` are untyped families by series name.
/// Adds to `dropped` what Normalize drops.
Families Split(const Families& families, const std::vector<std::size_t>& indices,
               std::size_t& dropped);

}  // namespace pgbeacon::metrics
