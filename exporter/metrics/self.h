// What pgbeacon exposes of itself, apart from targets and log sources.
//
// Example:
//   SelfStats stats;
//   ++stats.requests[{"/metrics", 200}];
//   AppendSelf(stats, page);
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/families.h"

namespace pgbeacon::metrics {

struct SelfStats {
  std::vector<std::string> config_errors;  ///< mistakes of the config as it was read last
  double config_read_unix = 0;             ///< when it was last read without; 0: never
  /// What was read then and needs another start to be followed.
  bool restart_required = false;
  std::size_t targets = 0;
  std::map<std::pair<std::string, int>, std::uint64_t> requests;  ///< by path as routed and status
  std::uint64_t dropped_series = 0;  ///< left out of pages: twice there, or without a valid name
};

/// Scrapes of one target.
struct ScrapeStats {
  std::uint64_t scrapes = 0;
  double last_seconds = 0;
  bool last_failed = false;
};

/// Appends pg_exporter_*.
void AppendScrapeStats(const ScrapeStats& stats, Families& families);

/// What postgres_exporter exposes of itself.
struct PeerStats {
  bool config_read = true;
  double config_read_unix = 0;
  /// Its queries.yaml; no file name: none.
  std::string queries_file, queries_sha256;
  bool queries_failed = false;
};

/// Appends postgres_exporter_*, and pg_exporter_user_queries_load_error.
void AppendPeerSelf(const PeerStats& stats, Families& families);

/// Appends the families of `stats`, of the build and of the process (process.h).
void AppendSelf(const SelfStats& stats, Families& families);

}  // namespace pgbeacon::metrics
