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
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"
#include "logparse/events/catalogue.h"
#include "logparse/message.h"
#include "logparse/tally_row.h"
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
  /// Servers that are told apart, server="other" included, which has all further ones.
  int most_servers = 10'000;
};

/// Losses that no line of the log tells of; what Logplex says in a line (Error L10, L11) is counted
/// as that line is.
enum class LostReason : std::uint8_t { kCountMismatch };

/// When a message was written: while somebody looked, or before, and only read now.
enum class Written : std::uint8_t { kBefore, kLive };

/// Not thread-safe: one per thread, merged. Borrows the catalogue.
class Tally {
 public:
  Tally(const Catalogue& catalogue, TallyOptions options);
  ~Tally();
  Tally(Tally&&) noexcept;
  Tally& operator=(Tally&&) noexcept;
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  /// The handle of a server by its label value, which is cut and made UTF-8. `seen_in_traffic`: a
  /// message brought the name, not the configuration; see Scrape().
  int Server(std::string_view name, bool seen_in_traffic = false);

  /// Counts one message and what it was recognised as. Side client, platform lines and our own
  /// records go to families of their own. `now` (seconds since the epoch) lets samples expire. What
  /// alerts look for (live_signs.h) counts once more where it was `written` live and is not old.
  void Count(int server, const Message& message, const Event& event, double now,
             Written written = Written::kBefore);

  /// Adds to platform_log_lost_messages_total.
  void CountLost(int server, LostReason reason, std::uint64_t messages);

  /// Adds all counts of another tally of the same catalogue, servers by name.
  void Merge(const Tally& other);

  /// Appends rows for all that changed since the last call. `since` is an earlier state of this
  /// tally that was given the rows of all calls before: given these to Restore() as well, in their
  /// order, it is equal to this one. Looks only at servers that counted since the last call.
  void Changes(const Tally& since, std::vector<TallyRow>& rows);

  /// Sets what the row tells; the last rows of all keys of a state may come in any order. False,
  /// and nothing changed: the catalogue or the options no longer know it, there is no room, or it
  /// is malformed.
  bool Restore(const TallyRow& row);

  /// All servers known so far were on a page before: call it when the rows of a state have been
  /// restored.
  void MarkScraped();

  /// Collect() for a page that is kept as a time series: a server that was first seen in traffic
  /// stands at its born zeros the first time, so that its first counts show as a rise. `shows`: the
  /// servers that are on the page; none given: all.
  Families Scrape(double now, const std::function<bool(const std::string& server)>& shows = {});

  /// Whether there is a server of that name.
  bool Knows(std::string_view server) const;

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
