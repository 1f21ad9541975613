// Planning and decoding: which collectors run on a server, with which SQL, and what their rows
// mean. Pure functions; the exporter does the asking.
//
// Example:
//   Plan plan = MakePlan(catalogue, selection, facts);
//   for (const PlannedCollector& planned : plan.on)
//     Send(planned.sql);
//   Decoded decoded = Decode(planned, rows, "db1:5432");
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/families.h"
#include "base/result.h"
#include "collectors/engine/facts.h"
#include "collectors/engine/rows.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {

/// What the user chose about one collector; absent means the file's own value.
struct Choice {
  std::optional<bool> enabled;
  std::optional<std::chrono::milliseconds> interval;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::size_t> limit;
  std::optional<std::size_t> label_limit;
  std::map<std::string, std::string> options;  ///< valid values by option
};

struct Selection {
  bool all = false;                       ///< --collector.all
  bool peer = false;                      ///< of ours postgres_exporter's set (--preset)
  bool legacy = true;                     ///< false: --disable-default-metrics
  std::map<std::string, Choice> choices;  ///< by own or peer's name; the own name wins
};

/// A collector that will run. Points into the Catalogue.
struct PlannedCollector {
  const Collector* collector = nullptr;
  std::string sql;                     ///< one statement, complete
  int major = 0;                       ///< of the server it was planned for
  std::vector<const Column*> columns;  ///< those the statement returns
  std::optional<std::chrono::milliseconds> interval;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::chrono::milliseconds> sample;  ///< asked between scrapes, not at them
  std::size_t limit = 0;
  std::size_t label_limit = 0;
  std::vector<std::size_t> keep;               ///< for each of collector->top
  std::map<std::string, std::string> options;  ///< by name, each that the collector has
};

/// A collector that will not run, and why, in words for people ("needs extension
/// pg_stat_statements").
struct OffCollector {
  const Collector* collector = nullptr;
  std::string reason;
  bool missing = false;  ///< wanted, but the server lacks something: visible as a failure
  std::string label;     ///< when missing: "missing_extension", "permission", "missing_setting"
};

/// Collectors at every scrape first, cheap ones first and users' own last, then those with an
/// interval, then samplers.
struct Plan {
  std::vector<PlannedCollector> on;
  std::vector<OffCollector> off;
};

Plan MakePlan(const Catalogue& catalogue, const Selection& selection, const ServerFacts& facts);

/// Moves the collectors of a scope from `on` to `off`.
void DropScope(Plan& plan, Scope scope, const std::string& reason);

struct Decoded {
  Families families;
  std::size_t series = 0;
  std::size_t dropped = 0;     ///< over the limit, or duplicates without a merge rule
  std::size_t unreadable = 0;  ///< values that are no number where one is expected
  std::string missing;         ///< a metric's column that the answer does not have
};

/// Rows to families: every value column gives one sample per row and name, NULL gives none.
/// A histogram's rows are its observations. `server` is the value of the peer's `server` label on
/// the compatibility series that carry it.
Decoded Decode(const PlannedCollector& planned, const Rows& rows, const std::string& server);

}  // namespace pgbeacon::collectors
