// Every metric that can be exposed, as the catalogues declare it; of families that are made in
// code, what the code makes of examples. So lists and docs cannot drift from the page.
//
// Example:
//   Result<std::vector<MetricGroup>> groups = ListMetrics(setup);
//   for (const MetricGroup& group : *groups) for (const ListedMetric& m : group.metrics) ...
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "exporter/cli/options.h"

namespace pgbeacon::cli {

struct ListedMetric {
  std::string name;
  std::string type;
  std::string unit;  ///< "seconds", "bytes" ...; empty: a count or a state
  std::vector<std::string> labels;
  std::string versions;  ///< PostgreSQL majors that have it: "13+", "13-16"; empty: no matter
  std::string help;
};

/// The metrics of one collector, or of a part of pgbeacon.
struct MetricGroup {
  std::string source;  ///< "collector NAME", "log" or "exporter"
  std::string collector;
  std::string help;
  bool on_by_default = true;
  std::string cost;                   ///< cheap, medium or expensive; empty where no SQL is sent
  std::string interval;               ///< "5m"; empty: at every scrape
  std::string needs;                  ///< what the server must have or be, in words
  std::vector<ListedMetric> metrics;  ///< by name
};

/// Collectors by name, then what comes of logs, then the exporter's own.
Result<std::vector<MetricGroup>> ListMetrics(Setup& setup);

}  // namespace pgbeacon::cli
