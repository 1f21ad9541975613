// Tally: exact counts of what the log said, and their metric families (pg_log_*, pg_client_log_*,
// platform_log_*, pg_sample_*).
//
// Example:
//   Tally tally(catalogue, {});
//   const int server = tally.Server("db1:5432");   // its born series exist at 0 from here on
//   tally.Count(server, message, event);
//   Families families = tally.Collect();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"
#include "logparse/events/catalogue.h"
#include "logparse/message.h"
#include "logparse/top.h"

namespace pgbeacon::log {

struct TallyOptions {
  double long_statement_seconds = 2;         ///< pg_log_long_statement_threshold_seconds
  std::string own_application = "pgbeacon";  ///< counted apart: pg_log_own_messages_total
  /// Databases per server that get a value of the label `datname` in the families pg_log_*: the
  /// first ones that messages come from; the rest is datname="other". 0: no such label.
  int datname_limit = 0;
  /// Statements per server that get series of their own in pg_log_fingerprint_*; the rest is
  /// fingerprint="other". 0: no fingerprints at all.
  int fingerprints = 0;
  bool keep_texts = false;  ///< normalised texts for Statements(); never in labels
};

/// Not thread-safe: one per thread, merged. Borrows the catalogue.
class Tally {
 public:
  Tally(const Catalogue& catalogue, TallyOptions options);
  ~Tally();
  Tally(Tally&&) noexcept;
  Tally& operator=(Tally&&) noexcept;
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  /// The handle of a server by its label value.
  int Server(std::string_view name);

  /// Counts one message and what it was recognised as. Side client, platform lines and our own
  /// records go to families of their own. `now` (seconds since the epoch) lets samples expire.
  void Count(int server, const Message& message, const Event& event, double now);

  /// Adds all counts of another tally of the same catalogue, servers by name.
  void Merge(const Tally& other);

  /// All families, born series included. Samples older than three of their intervals are left out.
  Families Collect(double now) const;

  /// Messages by event name over all servers, for `parse`'s summary: name, class, count.
  struct EventCount {
    std::string event, event_class;
    std::uint64_t count = 0;
  };
  std::vector<EventCount> Events() const;

  /// What the logged statements took, over all servers; all empty unless `fingerprints` is set.
  StatementTotals Statements() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::log
