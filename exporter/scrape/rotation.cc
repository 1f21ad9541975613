#include "exporter/scrape/rotation.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace pgbeacon::scrape {
namespace {

using collectors::PlannedCollector;

constexpr int kMissedVisits = 3;
constexpr std::chrono::minutes kRetry{1};

constexpr const char* kVisited = "visited";
constexpr const char* kPending = "pending";
constexpr const char* kFailed = "failed";
constexpr const char* kExcluded = "excluded";
constexpr const char* kStates[] = {kVisited,         kPending,       kFailed,
                                   kExcluded,        "template",     "invalid",
                                   "no_connections", "no_privilege", "locked"};

// -2 marks what an interrupted DROP DATABASE left. A connect to a database that somebody drops,
// moves or copies waits in the server where no timeout reaches it.
constexpr std::string_view kSql = R"(/* pgbeacon:databases */
SELECT d.datname,
       CASE WHEN d.datconnlimit = -2 THEN 'invalid'
            WHEN NOT d.datallowconn THEN 'no_connections'
            WHEN d.datistemplate THEN 'template'
            WHEN NOT pg_catalog.has_database_privilege(d.oid, 'CONNECT') THEN 'no_privilege'
            WHEN d.oid IN (SELECT l.objid FROM pg_catalog.pg_locks l
                            WHERE l.locktype = 'object'
                              AND l.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
                              AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock',
                                             'ExclusiveLock', 'AccessExclusiveLock'))
            THEN 'locked'
            ELSE '' END AS skipped
  FROM pg_catalog.pg_database d
 ORDER BY d.oid)";

bool HasDatname(const ClientMetric& metric) {
  return std::ranges::any_of(
      metric.label, [](const ClientMetric::Label& label) { return label.name == "datname"; });
}

std::size_t Count(const Families& families) {
  std::size_t series = 0;
  for (const Family& family : families) series += family.metric.size();
  return series;
}

/// What one more may have of `room` when those with these wants are served as well: who wants less
/// than an equal part gets what it wants, all others get the same.
std::size_t FairShare(std::size_t room, std::vector<std::size_t> wants) {
  std::ranges::sort(wants);
  std::size_t sharers = wants.size() + 1;
  for (const std::size_t want : wants) {
    if (want >= room / sharers) break;
    room -= want;
    --sharers;
  }
  return room / sharers;
}

}  // namespace

void NameDatabase(Families& families, const std::string& database) {
  for (Family& family : families) {
    for (ClientMetric& metric : family.metric) {
      if (HasDatname(metric)) continue;
      metric.label.insert(metric.label.begin(), ClientMetric::Label{"datname", database});
    }
  }
}

std::string_view Rotation::Sql() { return kSql; }

bool Rotation::Due(TimePoint now) const {
  return discovery_.on && (!begun_ || now - *begun_ >= discovery_.interval);
}

Status Rotation::Begin(const collectors::Rows& rows, const std::string& connected, TimePoint now) {
  if (rows.columns() != 2) {
    return Error(ErrorCode::kInvalid, "the list of databases is not what was asked for");
  }
  if (begun_) between_ = now - *begun_;
  begun_ = now;
  connected_ = connected;
  queue_.clear();
  std::set<std::string, std::less<>> found;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const std::string name(rows.at(i, 0).value_or(""));
    const std::string skipped(rows.at(i, 1).value_or(""));
    found.insert(name);
    Database& database = databases_[name];
    if (discovery_.Excludes(name) || (name != connected && !discovery_.Wants(name))) {
      database = {kExcluded, "", std::nullopt, {}};
    } else if (name == connected) {
      database = {kVisited, "", std::nullopt, {}};
    } else if (!skipped.empty()) {
      if (skipped != "locked") database = {};
      database.state = skipped;
    } else {
      if (database.state != kVisited && database.state != kFailed) database.state = kPending;
      queue_.push_back(name);
    }
  }
  std::erase_if(databases_, [&](const auto& entry) { return !found.contains(entry.first); });
  return {};
}

std::optional<std::string> Rotation::Next() {
  if (queue_.empty()) return std::nullopt;
  std::string next = std::move(queue_.front());
  queue_.pop_front();
  totals_.clear();
  for (const auto& [name, database] : databases_) {
    for (const auto& [collector, entry] : database.entries) {
      totals_[collector].held += entry.series.held;
      totals_[collector].wanted += entry.series.wanted;
    }
  }
  return next;
}

void Rotation::End(TimePoint now) {
  pass_ = now - begun_.value_or(now);
  ended_ = true;
}

std::vector<const PlannedCollector*> Rotation::DueIn(const std::string& database,
                                                     const collectors::Plan& plan,
                                                     TimePoint now) const {
  std::vector<const PlannedCollector*> due;
  const auto found = databases_.find(database);
  if (found == databases_.end()) return due;
  for (const PlannedCollector& planned : plan.on) {
    if (planned.collector->scope != collectors::Scope::kDatabase) continue;
    const auto entry = found->second.entries.find(planned.collector->name);
    if (entry == found->second.entries.end() || entry->second.due <= now) due.push_back(&planned);
  }
  std::stable_partition(due.begin(), due.end(), [&](const PlannedCollector* planned) {
    return !IsSlow(database, *planned);
  });
  return due;
}

bool Rotation::IsSlow(const std::string& database, const PlannedCollector& planned) const {
  const auto found = databases_.find(database);
  if (!planned.collector->users || found == databases_.end()) return false;
  const auto entry = found->second.entries.find(planned.collector->name);
  return entry != found->second.entries.end() && entry->second.failure == "timeout";
}

Rotation::Series Rotation::Of(const Database& database, std::string_view collector) const {
  const auto entry = database.entries.find(collector);
  return entry == database.entries.end() ? Series() : entry->second.series;
}

std::size_t Rotation::Room(const std::string& database, const PlannedCollector& planned) const {
  const std::string& collector = planned.collector->name;
  std::size_t held = 0;
  std::vector<std::size_t> wants;
  Series own;
  for (const auto& [name, other] : databases_) {
    const Series series = Of(other, collector);
    if (name == database) {
      own = series;
    } else {
      held += series.held;
      wants.push_back(series.wanted);
    }
  }
  std::size_t held_by_all = 0;
  std::vector<std::size_t> wants_of_others;
  for (const auto& [name, total] : totals_) {
    held_by_all += total.held;
    if (name != collector) wants_of_others.push_back(total.wanted);
  }
  held_by_all -= std::min(held_by_all, own.held);
  const std::size_t limit =
      std::min(planned.limit, FairShare(kSeriesLimit, std::move(wants_of_others)));
  const std::size_t left = limit - std::min(limit, held);
  const std::size_t left_for_all = kSeriesLimit - std::min(kSeriesLimit, held_by_all);
  return std::min({left, left_for_all, FairShare(limit, std::move(wants))});
}

bool Rotation::Record(const std::string& database, const PlannedCollector& planned, Outcome outcome,
                      TimePoint now) {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return false;
  Entry& entry = found->second.entries[planned.collector->name];
  entry.interval = planned.interval.value_or(std::chrono::milliseconds(0));
  if (outcome.failure.empty()) {
    NameDatabase(outcome.families, database);
    entry.shown = std::move(outcome.families);
    Series& total = totals_[planned.collector->name];
    const Series before = entry.series;
    entry.series.held = Count(entry.shown);
    entry.series.wanted = entry.series.held + outcome.left_out.dropped + outcome.left_out.in_other;
    total.held += entry.series.held - before.held;
    total.wanted += entry.series.wanted - before.wanted;
    entry.shown_at = now;
    entry.due = now + entry.interval;
  } else {
    entry.due = now + std::min<Duration>(entry.interval, kRetry);
  }
  entry.left_out = outcome.left_out;
  const bool changed = entry.failure != outcome.failure;
  entry.failure = std::move(outcome.failure);
  return changed;
}

void Rotation::Visited(const std::string& database, TimePoint now) {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return;
  found->second.state = kVisited;
  found->second.failure.clear();
  found->second.visited_at = now;
}

bool Rotation::Failed(const std::string& database, const std::string& reason) {
  const auto found = databases_.find(database);
  if (found == databases_.end()) return false;
  const bool changed = found->second.failure != reason;
  found->second.state = kFailed;
  found->second.failure = reason;
  return changed;
}

Duration Rotation::Period() const {
  return std::max({Duration(discovery_.interval), between_, pass_});
}

void Rotation::Expire(TimePoint now) {
  const Duration period = Period();
  for (auto& [name, database] : databases_) {
    for (auto& [collector, entry] : database.entries) {
      if (now - entry.shown_at <= kMissedVisits * std::max(entry.interval, period)) continue;
      entry.shown = {};
      entry.series = {};
    }
  }
}

void Rotation::Clear() {
  databases_.clear();
  totals_.clear();
  queue_.clear();
  begun_.reset();
  ended_ = false;
}

LeftOut Rotation::Dropped(std::string_view collector) const {
  LeftOut dropped;
  for (const auto& [name, database] : databases_) {
    const auto entry = database.entries.find(collector);
    if (entry != database.entries.end()) dropped += entry->second.left_out;
  }
  return dropped;
}

std::map<std::string_view, std::vector<const Families*>> Rotation::Shown() const {
  std::map<std::string_view, std::vector<const Families*>> shown;
  for (const auto& [name, database] : databases_) {
    for (const auto& [collector, entry] : database.entries) {
      if (entry.series.held > 0) shown[collector].push_back(&entry.shown);
    }
  }
  return shown;
}

void Rotation::AppendTo(Families& page, TimePoint now) const {
  if (!discovery_.on || !begun_) return;
  Families own;
  own.reserve(4);
  Family& states = AddFamily(own, "pgbeacon_databases", MetricType::Gauge,
                             "Databases of the server by what the rotation does with them.");
  for (const char* state : kStates) {
    const auto count = std::ranges::count_if(
        databases_, [state](const auto& entry) { return entry.second.state == state; });
    AddSample(states, {{"state", state}}, static_cast<double>(count));
  }
  Family& pass = AddFamily(own, "pgbeacon_database_pass_seconds", MetricType::Gauge,
                           "Time that the last whole pass over the databases took.");
  if (ended_) AddSample(pass, {}, Seconds(pass_));
  Family& age = AddFamily(own, "pgbeacon_database_age_seconds", MetricType::Gauge,
                          "Time since the last visit to the database.");
  Family& failures =
      AddFamily(own, "pgbeacon_database_failure_info", MetricType::Gauge,
                "Databases that could not be connected to, and collectors whose last run in a "
                "database failed, with the kind of failure; always 1.");
  for (const auto& [name, database] : databases_) {
    if (database.visited_at) {
      AddSample(age, {{"datname", name}}, Seconds(now - *database.visited_at));
    }
    if (!database.failure.empty()) {
      AddSample(failures, {{"datname", name}, {"collector", ""}, {"reason", database.failure}}, 1);
    }
    for (const auto& [collector, entry] : database.entries) {
      if (entry.failure.empty()) continue;
      AddSample(failures, {{"datname", name}, {"collector", collector}, {"reason", entry.failure}},
                1);
    }
  }
  std::erase_if(own, [](const Family& family) { return family.metric.empty(); });
  page.insert(page.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
}

}  // namespace pgbeacon::scrape
