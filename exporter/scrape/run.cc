// One run: the base query, what must be known before the plan, and the plan's statements of every
// scrape. tests/unit/pg/target_pgtest.cc holds its promises.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "exporter/pg/setup_sql.h"
#include "exporter/scrape/ask.h"
#include "exporter/scrape/excess.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::ServerFacts;
using pg::UpReason;

constexpr std::chrono::seconds kPatience{1};   // with a question between runs
constexpr std::chrono::seconds kFirstPass{5};  // over the databases, for which a page waits

}  // namespace

net::awaitable<void> Target::State::Execute(std::shared_ptr<State> self, std::shared_ptr<Run> run) {
  while (const std::shared_ptr<net::Event> asking = self->asking_) {
    const bool ended =
        co_await asking->Wait(std::min(run->deadline, SteadyClock::now() + kPatience));
    if (!ended) self->main_.Interrupt();
    if (!ended && SteadyClock::now() >= run->deadline) {
      self->Down(*run, Error(ErrorCode::kTimeout, "the server has not answered another question"));
      co_return;
    }
  }
  self->Recycle();
  bool warm = false;
  Result<ServerFacts> facts = co_await self->Base(run->deadline, warm);
  // A catalogue that somebody has locked says nothing against the server or the connection.
  const bool locked = !facts.ok() && self->main_.connected();
  if (!facts.ok() && !locked) {
    self->Down(*run, facts.error());
    co_return;
  }
  if (!locked && self->options_.refuse_superuser && !ExcessOf(*facts).empty()) {
    const std::string excess = ExcessOf(*facts);
    self->main_.Drop();
    self->WarnOfSuperuser();
    self->SetReason(*run, UpReason::kSuperuserRefused, "the login " + excess);
    co_return;
  }
  self->SetReason(*run, UpReason::kOk, "");
  if (!locked) self->NoteRole(facts->in_recovery);
  Status status;
  if (!locked) {
    status = co_await self->Learn(*std::move(facts), warm, run->deadline);
  } else if (!self->plan_) {
    self->EndEarly(*run, facts.error());
    co_return;
  }
  run->identified = true;
  if (status.ok()) {
    self->StartVisit();
    self->StartKnock();
    status = co_await self->Collect(run);
    if (status.ok()) status = co_await self->LookUp(run);
  }
  if (!status.ok()) {
    self->EndEarly(*run, status.error());
    self->main_.Drop(/*running=*/true);
    self->facts_stale_ = true;
    co_return;
  }
  self->logged_early_.clear();
  co_await self->WaitForFirst(run->deadline);
}

net::awaitable<void> Target::State::WaitForFirst(TimePoint deadline) {
  const std::shared_ptr<net::Event> own = visiting_own_;
  if (visiting_ && own && schedule_.Untried(*plan_)) {
    co_await own->Wait(deadline);
  }
  const std::shared_ptr<net::Event> visit = visiting_;
  if (visit && rotation_.Untried()) {
    co_await visit->Wait(std::min(deadline, SteadyClock::now() + kFirstPass));
  }
}

void Target::State::Recycle() {
  if (main_.connected() && main_.age() > options_.connection_max_age) main_.Drop();
}

/// The answer to the base query over the warm connection, else over a new one. A warm connection
/// that turns out to be closed (the server was restarted) is no reason to be down. After an Error
/// there is a connection only where the query waited for somebody's lock.
net::awaitable<Result<ServerFacts>> Target::State::Base(TimePoint deadline, bool& warm) {
  for (;;) {
    warm = main_.connected();
    const bool trial = breaker_.open();
    const Duration patience = trial ? Duration(Breaker::kTrial) : options_.connect_timeout;
    const TimePoint connect_by = std::min(deadline, SteadyClock::now() + patience);
    Result<pg::Connection*> connection = co_await main_.Connect(Budget(deadline), connect_by);
    NoteConnect(connection.ok());
    if (!connection.ok()) co_return connection.error();
    if (!warm) {
      admitted_at_ = SteadyClock::now();
      spdlog::trace("target={}: connected backend={}", options_.name, (*connection)->backend_pid());
    }
    certificate_not_after_ = (*connection)->certificate_not_after();
    if (!plan_) AssumePlan((*connection)->server_version());
    Result<ServerFacts> facts = co_await AskIdentity(**connection, catalogue_, deadline);
    if (facts.ok()) co_return facts;
    if (facts.error().code == ErrorCode::kLockTimeout) {
      if (!warm) ForgetPlan();
      co_return facts;
    }
    main_.Drop();
    const bool closed = facts.error().code == ErrorCode::kUnavailable;
    if (!warm || !closed || stopped_) co_return facts;
  }
}

net::awaitable<Status> Target::State::Collect(std::shared_ptr<Run> run) {
  run->plan = plan_;
  run->outcomes.resize(plan_->on.size());
  const Status passed = co_await PassOverLocked(run);
  if (!passed.ok()) co_return passed;
  const std::size_t slow = OrderAsked(*run);  // from there on one by one
  std::vector<const collectors::PlannedCollector*> asked;
  for (const std::size_t index : run->asked) asked.push_back(&run->plan->on[index]);
  std::size_t alone = 0;  // so many go one by one, to find the one that breaks the connection
  std::size_t& done = run->answered;
  while (done < asked.size()) {
    const std::chrono::milliseconds budget = Budget(run->deadline);
    Result<pg::Connection*> connection = co_await main_.Connect(budget, run->deadline);
    if (!connection.ok()) co_return connection.error();
    const std::size_t end = alone > 0 || done >= slow ? done + 1 : slow;
    const std::size_t parts = done >= slow ? asked.size() - done + 1 : 2;
    const Status status = co_await CollectSome(**connection, run, end, parts);
    if (alone > 0) --alone;
    if (status.ok()) continue;
    if (end > done + 1 && IsUnclear(asked, done, status)) {
      alone = pg::Connection::kInFlight;
    } else if (done < asked.size() && IsItsDoing(*asked[done], status)) {
      // It took its connection along: it has failed, and the others get a new one.
      Outcome& outcome = run->outcomes[run->asked[done]];
      outcome.done = true;
      outcome.failure = pg::FailureLabel(status.error());
      LogOutcome(*asked[done]->collector, outcome.failure, status.error().message);
      ++done;
    } else {
      if (done < asked.size() && asked[done]->collector->users &&
          status.error().code == ErrorCode::kTimeout) {
        NoteSlow(*asked[done], pg::FailureLabel(status.error()));
        LogOutcome(*asked[done]->collector, pg::FailureLabel(status.error()),
                   status.error().message);
      }
      co_return status;
    }
    main_.Drop(/*running=*/true);
    facts_stale_ = true;
  }
  const Status noted = co_await NoteLocked(run);
  co_return noted;
}

std::size_t Target::State::OrderAsked(Run& run) const {
  for (std::size_t i = 0; i < run.plan->on.size(); ++i) {
    const collectors::PlannedCollector& planned = run.plan->on[i];
    if (planned.interval || planned.sample || run.outcomes[i].done) continue;
    if (!run.only.Wants(planned.collector->name, planned.collector->peer)) continue;
    run.asked.push_back(i);
  }
  const auto slow = std::stable_partition(
      run.asked.begin(), run.asked.end(),
      [&](std::size_t index) { return !slow_.contains(run.plan->on[index].collector->name); });
  return static_cast<std::size_t>(slow - run.asked.begin());
}

void Target::State::NoteSlow(const collectors::PlannedCollector& planned,
                             const std::string& failure) {
  const std::string& name = planned.collector->name;
  if (failure != "timeout") {
    slow_.erase(name);
  } else if (planned.collector->users) {
    slow_.insert(name);
  }
}

net::awaitable<Status> Target::State::CollectSome(pg::Connection& connection,
                                                  std::shared_ptr<Run> run, std::size_t end,
                                                  std::size_t parts) {
  const std::chrono::milliseconds budget = Budget(run->deadline);
  std::vector<pg::Statement> statements;
  for (std::size_t i = run->answered; i < end; ++i) {
    const collectors::PlannedCollector& planned = run->plan->on[run->asked[i]];
    statements.push_back(ToStatement(planned, ShareOf(planned, budget, parts)));
  }
  const auto take = [this, run](std::size_t, pg::Answer answer) {
    const std::size_t index = run->asked[run->answered++];
    const collectors::PlannedCollector& planned = run->plan->on[index];
    std::string message;
    Outcome& outcome = run->outcomes[index];
    outcome = ToOutcome(planned, std::move(answer), options_.name, governors_, message);
    NameIfDiscovering(planned, outcome);
    NoteSlow(planned, outcome.failure);
    if (outcome.failure == "syntax") facts_stale_ = true;  // an extension may have come or gone
    LogOutcome(*planned.collector, outcome.failure, message);
  };
  pg::AnswerSink sink = take;
  const Status status =
      co_await connection.Run(std::move(statements), run->deadline, std::move(sink));
  co_return status;
}

bool Target::State::IsUnclear(const std::vector<const collectors::PlannedCollector*>& asked,
                              std::size_t done, const Status& status) const {
  if (status.error().code != ErrorCode::kUnavailable || !status.error().sqlstate.empty()) {
    return false;
  }
  const std::size_t end = std::min(done + pg::Connection::kInFlight, asked.size());
  return std::any_of(
      asked.begin() + static_cast<std::ptrdiff_t>(done),
      asked.begin() + static_cast<std::ptrdiff_t>(end),
      [&](const collectors::PlannedCollector* planned) { return IsItsDoing(*planned, status); });
}

bool Target::State::IsItsDoing(const collectors::PlannedCollector& planned,
                               const Status& status) const {
  const Error& error = status.error();
  if (stopped_ || error.code == ErrorCode::kTimeout) return false;
  const bool refused = error.code == ErrorCode::kInternal && error.sqlstate.empty();
  return refused || planned.collector->users;
}

/// Where several databases are on the page, each series of a database says which.
void Target::State::NameIfDiscovering(const collectors::PlannedCollector& planned,
                                      Outcome& outcome) const {
  if (options_.discovery.on && planned.collector->scope == collectors::Scope::kDatabase) {
    NameDatabase(outcome.families, facts_->database);
  }
}

net::awaitable<Status> Target::State::LookUp(std::shared_ptr<Run> run) {
  std::vector<std::size_t> indexes;
  std::vector<pg::Statement> statements;
  const std::chrono::milliseconds budget = Budget(run->deadline);
  for (std::size_t i = 0; i < run->plan->on.size(); ++i) {
    const collectors::PlannedCollector& planned = run->plan->on[i];
    if (!run->outcomes[i].done || !WantsLookup(planned)) continue;
    std::string sql =
        lookups_[planned.collector->name].Sql(planned, *facts_, run->outcomes[i].families);
    if (!sql.empty()) {
      indexes.push_back(i);
      statements.emplace_back(std::move(sql), std::min(planned.timeout.value_or(budget), budget));
    }
  }
  Status status;
  if (!statements.empty()) {
    const auto take = [this, run, &indexes](std::size_t statement, pg::Answer answer) {
      const collectors::PlannedCollector& planned = run->plan->on[indexes[statement]];
      if (answer.rows.ok()) lookups_[planned.collector->name].Learn(planned, **answer.rows);
    };
    Result<pg::Connection*> connection = co_await main_.Connect(budget, run->deadline);
    if (!connection.ok()) co_return connection.error();
    pg::AnswerSink sink = take;
    status = co_await (*connection)->Run(std::move(statements), run->deadline, std::move(sink));
  }
  for (std::size_t i = 0; i < run->plan->on.size(); ++i) {
    const collectors::PlannedCollector& planned = run->plan->on[i];
    if (!run->outcomes[i].done || !WantsLookup(planned)) continue;
    lookups_[planned.collector->name].AddTo(planned, run->outcomes[i].families);
  }
  co_return status;
}

void Target::State::NoteConnect(bool connected) {
  const bool was_open = breaker_.open();
  if (!stopped_) breaker_.Note(connected);
  if (breaker_.open() == was_open) return;
  if (was_open) {
    spdlog::info("target={}: the breaker is closed, the server lets us in", options_.name);
  } else {
    spdlog::warn("target={}: {} connects in a row have failed: until one succeeds, each has {} s",
                 options_.name, Breaker::kFailures, Breaker::kTrial.count());
  }
}

void Target::State::Down(Run& run, const Error& error) {
  const bool queued = breaker_.open() && main_.queued();
  SetReason(run, queued ? UpReason::kBreakerOpen : pg::ReasonOf(error), error.message);
  facts_stale_ = true;
}

void Target::State::EndEarly(Run& run, const Error& error) {
  run.unfinished = pg::FailureLabel(error);
  if (stopped_ || logged_early_ == run.unfinished) return;
  logged_early_ = run.unfinished;
  spdlog::warn("target={} reason={}: collectors have not been asked or have not answered: {}",
               options_.name, run.unfinished, error.message);
}

void Target::State::SetReason(Run& run, UpReason reason, const std::string& message) {
  run.reason = reason;
  if (seen_ == reason || stopped_) return;
  if (reason != UpReason::kOk) {
    spdlog::warn("target={} reason={}: {}", options_.name, UpReasonName(reason), message);
  } else if (seen_) {
    spdlog::info("target={}: the server is back", options_.name);
  }
  seen_ = reason;
}

void Target::State::WarnOfSuperuser() {
  if (superuser_warned_) return;
  superuser_warned_ = true;
  spdlog::warn(
      "target={}: the login is a superuser or has CREATEROLE, which pgbeacon does not need; this "
      "makes a role that can do what it needs and no more (also: pgbeacon setup-sql):\n{}",
      options_.name, pg::SetupSql("pgbeacon"));
}

void Target::State::LogOutcome(const collectors::Collector& collector, const std::string& failure,
                               const std::string& message) {
  spdlog::trace("target={} collector={} answered reason={}", options_.name, collector.name,
                failure.empty() ? "ok" : failure);
  std::string& logged = logged_failures_[collector.name];
  if (logged == failure) return;
  logged = failure;
  if (failure.empty()) return;
  spdlog::warn("target={} collector={}{} reason={}: {}", options_.name, collector.name,
               FileOf(collector), failure, message);
}

}  // namespace pgbeacon::scrape
