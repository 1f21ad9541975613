// Naming: what postgres_exporter's flags --metric-prefix and --constantLabels do to a page.
#pragma once

#include <cstddef>
#include <string>

#include "base/families.h"

namespace pgbeacon::scrape {

struct Naming {
  std::string prefix =
      "pg";       ///< of its default metrics: "pg_stat_activity_count" is "PREFIX_stat..."
  Labels labels;  ///< on every series that has none of the name
};

/// Gives the families from `first` on the prefix, where their names begin with "pg_".
void ApplyPrefix(const Naming& naming, Families& page, std::size_t first);
void ApplyLabels(const Naming& naming, Families& page);

}  // namespace pgbeacon::scrape
