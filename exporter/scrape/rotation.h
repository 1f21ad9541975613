// Rotation: the databases of one server, what collectors gave in each of them, and which is visited
// next. rotate.cc does the visiting.
//
// Example:
//   if (rotation.Due(now)) rotation.Begin(rows, "postgres", now);
//   while (const std::optional<std::string> database = rotation.Next()) {
//     for (const auto* planned : rotation.DueIn(*database, plan, now)) ...
//     rotation.Record(*database, *planned, std::move(outcome), now);
//     rotation.Visited(*database, now);
//   }
//   rotation.End(now);
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "base/result.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/rows.h"
#include "exporter/scrape/discovery.h"
#include "exporter/scrape/outcome.h"

namespace pgbeacon::scrape {

/// Gives every sample without a label `datname` this one.
void NameDatabase(Families& families, const std::string& database);

class Rotation {
 public:
  explicit Rotation(Discovery discovery) : discovery_(std::move(discovery)) {}

  /// What lists the databases: a row each with its name and why it cannot be visited, "" if it can.
  static std::string_view Sql();

  /// Whether a pass should begin.
  bool Due(TimePoint now) const;
  /// Whether no pass has ended yet.
  bool Untried() const { return discovery_.on && !ended_; }

  /// Starts a pass over the databases of an answer to Sql(). `connected` is the one that scrapes
  /// see, which is not visited. Those that are gone are forgotten.
  Status Begin(const collectors::Rows& rows, const std::string& connected, TimePoint now);
  std::optional<std::string> Next();
  /// The pass came to its end.
  void End(TimePoint now);

  /// The collectors of scope `database` to be run in a visit now, those of every visit first and
  /// the slow ones last.
  std::vector<const collectors::PlannedCollector*> DueIn(const std::string& database,
                                                         const collectors::Plan& plan,
                                                         TimePoint now) const;
  /// Whether it is a user's that ran out of time there when it was last asked.
  bool IsSlow(const std::string& database, const collectors::PlannedCollector& planned) const;
  /// How many series of the collector the database may have beside what is held: never more than
  /// the limits of the collector and of a page leave, and no more than its fair share of them.
  std::size_t Room(const std::string& database, const collectors::PlannedCollector& planned) const;
  /// Returns whether it failed otherwise than the time before.
  bool Record(const std::string& database, const collectors::PlannedCollector& planned,
              Outcome outcome, TimePoint now);
  void Visited(const std::string& database, TimePoint now);
  /// It could not be connected to. Returns whether that is new.
  bool Failed(const std::string& database, const std::string& reason);
  void Forget(const std::string& database) { databases_.erase(database); }
  bool Has(const std::string& database) const { return databases_.contains(database); }

  /// Frees the values that have missed three visits.
  void Expire(TimePoint now);
  void Clear();

  /// The values of all databases, by collector.
  std::map<std::string_view, std::vector<const Families*>> Shown() const;
  /// The families about the rotation itself.
  void AppendTo(Families& page, TimePoint now) const;
  /// Series of the collector that were left out in the databases' last runs.
  LeftOut Dropped(std::string_view collector) const;

 private:
  /// Series that are held, and that there would be without limits.
  struct Series {
    std::size_t held = 0;
    std::size_t wanted = 0;
  };
  struct Entry {
    Families shown;
    TimePoint shown_at;
    TimePoint due;
    Duration interval{};
    std::string failure;
    Series series;
    LeftOut left_out;
  };
  struct Database {
    std::string state;
    std::string failure;  ///< of the connect
    std::optional<TimePoint> visited_at;
    std::map<std::string, Entry, std::less<>> entries;  ///< by collector
  };

  /// How long from one visit of a database to the next.
  Duration Period() const;
  Series Of(const Database& database, std::string_view collector) const;

  Discovery discovery_;
  std::map<std::string, Database, std::less<>> databases_;
  std::map<std::string, Series, std::less<>> totals_;  ///< by collector, in this visit
  std::deque<std::string> queue_;
  std::string connected_;
  std::optional<TimePoint> begun_;
  Duration between_{};  ///< the last two passes' begins
  Duration pass_{};     ///< the last whole pass
  bool ended_ = false;
};

}  // namespace pgbeacon::scrape
