#include "exporter/scrape/locked.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "exporter/scrape/ask.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {

std::string_view LockedCatalogues::Sql() {
  // The database's oid without pg_database, which may be what is locked.
  return "/* pgbeacon:locked */ SELECT DISTINCT l.relation FROM pg_catalog.pg_locks l "
         "WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation < 16384 "
         "AND l.database IN (0, (SELECT a.datid FROM "
         "pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a))";
}

std::set<std::string> LockedCatalogues::Relations(const collectors::Rows& rows) {
  std::set<std::string> relations;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    relations.emplace(rows.at(row, 0).value_or(""));
  return relations;
}

void LockedCatalogues::Now(const std::set<std::string>& relations) {
  const bool still = std::ranges::any_of(
      relations_, [&](const std::string& relation) { return relations.contains(relation); });
  if (!still) Failed({}, {});
}

void LockedCatalogues::Failed(std::set<std::string> collectors, std::set<std::string> relations) {
  if (relations.empty()) collectors.clear();
  collectors_ = std::move(collectors);
  relations_ = std::move(relations);
}

net::awaitable<Status> Target::State::LookAtLocks(TimePoint deadline, bool& known,
                                                  std::set<std::string>& relations) {
  known = false;
  const auto take = [&known, &relations](std::size_t, pg::Answer answer) {
    known = answer.rows.ok();
    if (known) relations = LockedCatalogues::Relations(**answer.rows);
  };
  const std::chrono::milliseconds budget = Budget(deadline);
  Result<pg::Connection*> connection = co_await main_.Connect(budget, deadline);
  if (!connection.ok()) co_return connection.error();
  std::vector<pg::Statement> statements;
  statements.emplace_back(std::string(LockedCatalogues::Sql()), budget);
  pg::AnswerSink sink = take;
  const Status asked =
      co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
  co_return asked;
}

net::awaitable<Status> Target::State::PassOverLocked(std::shared_ptr<Run> run) {
  if (locked_.empty()) co_return Status();
  bool known = false;
  std::set<std::string> relations;
  const Status looked = co_await LookAtLocks(run->deadline, known, relations);
  if (!looked.ok()) co_return looked;
  if (known) locked_.Now(relations);
  for (std::size_t i = 0; i < run->plan->on.size(); ++i) {
    const collectors::PlannedCollector& planned = run->plan->on[i];
    if (planned.interval || planned.sample || !locked_.Blocks(planned.collector->name)) continue;
    run->outcomes[i].done = true;
    run->outcomes[i].failure = kLockTimeoutLabel;
  }
  co_return Status();
}

net::awaitable<Status> Target::State::NoteLocked(std::shared_ptr<Run> run) {
  std::set<std::string> failed;
  for (std::size_t i = 0; i < run->plan->on.size(); ++i) {
    const collectors::PlannedCollector& planned = run->plan->on[i];
    if (planned.interval || planned.sample || run->outcomes[i].failure != kLockTimeoutLabel)
      continue;
    failed.insert(planned.collector->name);
  }
  if (failed.empty()) {
    locked_.Failed({}, {});
    co_return Status();
  }
  bool known = false;
  std::set<std::string> relations;
  const Status looked = co_await LookAtLocks(run->deadline, known, relations);
  if (looked.ok() && known) locked_.Failed(std::move(failed), std::move(relations));
  co_return looked;
}

}  // namespace pgbeacon::scrape
