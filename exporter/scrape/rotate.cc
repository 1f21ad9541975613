// The rotation over the databases of a server: one visit after the other on the second backend,
// each on a connection of its own that is soon closed, so that DROP DATABASE need not wait.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "exporter/scrape/ask.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::PlannedCollector;

// DROP DATABASE gives others five seconds to leave: no connection may be open for longer, connect
// and all.
constexpr std::chrono::milliseconds kStatementTimeout{4000};
constexpr std::chrono::milliseconds kGrace{300};  // for the server's own timeout to reach us first
constexpr std::chrono::milliseconds kOpen{500};   // then the next collector gets a new connection

/// Whether other databases will be refused as well.
bool IsOfTheServer(const Error& error) {
  return error.sqlstate == "57P03" ||
         (error.code == ErrorCode::kUnavailable && error.sqlstate.empty());
}

/// The collectors of every visit together, then those with an interval and the slow ones one by
/// one.
std::vector<std::vector<const PlannedCollector*>> Rounds(
    const Rotation& rotation, const std::string& database,
    const std::vector<const PlannedCollector*>& due) {
  std::vector<std::vector<const PlannedCollector*>> rounds;
  for (const PlannedCollector* planned : due) {
    if (rounds.empty() || planned->interval || rotation.IsSlow(database, *planned)) {
      rounds.emplace_back();
    }
    rounds.back().push_back(planned);
  }
  return rounds;
}

}  // namespace

net::awaitable<void> Target::State::Rotate() {
  const bool begun = co_await BeginPass();
  if (!begun) co_return;
  while (!stopped_) {
    const std::optional<std::string> database = rotation_.Next();
    if (!database) break;
    if (plan_ && hidden_.Due(*facts_, SteadyClock::now()) && HiddenSettings::ShownBy(*plan_)) {
      co_await LearnHiddenNow(SteadyClock::now() + options_.connect_timeout);
    }
    if (plan_ && !schedule_.Due(*plan_, SteadyClock::now()).empty()) co_await VisitOwn(plan_);
    const bool more = co_await VisitDatabase(*database);
    visits_.Drop();
    if (!more) co_return;
  }
  if (!stopped_) rotation_.End(SteadyClock::now());
}

net::awaitable<bool> Target::State::BeginPass() {
  const TimePoint start = SteadyClock::now();
  Result<pg::Connection*> connection =
      co_await visits_.Connect(kStatementTimeout, start + options_.connect_timeout);
  if (!connection.ok()) co_return false;
  Status begun = Error(ErrorCode::kTimeout, "no answer");
  const auto take = [this, &begun](std::size_t, pg::Answer answer) {
    begun = answer.rows.ok() ? rotation_.Begin(**answer.rows, facts_->database, SteadyClock::now())
                             : Status(answer.rows.error());
  };
  std::vector<pg::Statement> statements;
  statements.emplace_back(std::string(Rotation::Sql()), kStatementTimeout);
  pg::AnswerSink sink = take;
  const Status asked = co_await (*connection)
                           ->Run(std::move(statements),
                                 SteadyClock::now() + kStatementTimeout + kGrace, std::move(sink));
  visits_.Drop(/*running=*/!asked.ok());
  if (!begun.ok() && !stopped_) {
    spdlog::warn("target={}: the databases cannot be listed: {}", options_.name,
                 begun.error().message);
  }
  std::erase_if(governors_elsewhere_,
                [this](const auto& entry) { return !rotation_.Has(entry.first); });
  co_return begun.ok();
}

net::awaitable<bool> Target::State::VisitDatabase(std::string database) {
  co_await visits_.Settle(SteadyClock::now() + pg::kPendingLease);
  const auto login = std::make_shared<pg::Login>(login_->To(database));
  Result<collectors::Plan> plan = co_await PlanIn(database, login);
  if (!plan.ok()) co_return NotVisited(database, plan.error());
  const TimePoint start = SteadyClock::now();
  for (const std::vector<const PlannedCollector*>& round :
       Rounds(rotation_, database, rotation_.DueIn(database, *plan, start))) {
    if (visits_.age() > kOpen) visits_.Drop();
    bool more = true;
    std::size_t alone = 0;
    for (std::size_t done = 0; more && done < round.size();) {
      Result<pg::Connection*> connection = co_await visits_.ConnectTo(
          login, kStatementTimeout, SteadyClock::now() + options_.connect_timeout);
      if (!connection.ok()) co_return NotVisited(database, connection.error());
      more = co_await RunRound(**connection, database, round, done, alone);
    }
    if (!more) break;  // the rest stays due
  }
  rotation_.Visited(database, SteadyClock::now());
  co_return true;
}

net::awaitable<Result<collectors::Plan>> Target::State::PlanIn(std::string database,
                                                               std::shared_ptr<pg::Login> login) {
  const TimePoint deadline = SteadyClock::now() + options_.connect_timeout;
  Result<pg::Connection*> connection =
      co_await visits_.ConnectTo(std::move(login), kStatementTimeout, deadline);
  if (!connection.ok()) co_return connection.error();
  collectors::ServerFacts facts = *facts_;
  facts.database = std::move(database);
  const Status asked = co_await AskDatabase(**connection, catalogue_, deadline, facts);
  if (!asked.ok()) co_return asked.error();
  co_return MakePlan(catalogue_, options_.selection, facts);
}

net::awaitable<bool> Target::State::RunRound(pg::Connection& connection, std::string database,
                                             std::vector<const PlannedCollector*> round,
                                             std::size_t& done, std::size_t& alone) {
  const std::size_t end = alone > 0 ? done + 1 : round.size();
  std::vector<pg::Statement> statements;
  for (std::size_t i = done; i < end; ++i) {
    statements.push_back(ToStatement(*round[i], ShareOf(*round[i], kStatementTimeout, 2)));
  }
  const auto take = [&](std::size_t, pg::Answer answer) {
    PlannedCollector planned = *round[done++];
    planned.limit = rotation_.Room(database, planned);
    std::string message;
    Outcome outcome = ToOutcome(planned, std::move(answer), options_.name,
                                governors_elsewhere_[database], message);
    RecordElsewhere(database, planned, std::move(outcome), message);
  };
  pg::AnswerSink sink = take;
  const Status status = co_await connection.Run(
      std::move(statements), SteadyClock::now() + kStatementTimeout + kGrace, std::move(sink));
  if (alone > 0) --alone;
  if (status.ok()) co_return true;
  visits_.Drop(/*running=*/true);
  if (end > done + 1 && IsUnclear(round, done, status)) {
    alone = pg::Connection::kInFlight;
    co_return true;
  }
  const bool its = done < round.size() && IsItsDoing(*round[done], status);
  const bool late = done < round.size() && round[done]->collector->users &&
                    status.error().code == ErrorCode::kTimeout;
  const PlannedCollector* const culprit = late ? round[done] : nullptr;
  const std::size_t failed = its ? done + 1 : round.size();
  for (; done < failed; ++done) {
    const bool behind = late && round[done] != culprit;
    Outcome outcome;
    outcome.done = true;
    outcome.failure = behind ? kNotAskedLabel : pg::FailureLabel(status.error());
    RecordElsewhere(
        database, *round[done], std::move(outcome),
        behind ? "no time was left behind " + culprit->collector->name : status.error().message);
  }
  co_return its || late;
}

void Target::State::RecordElsewhere(const std::string& database, const PlannedCollector& planned,
                                    Outcome outcome, const std::string& message) {
  const std::string failure = outcome.failure;
  const bool changed = rotation_.Record(database, planned, std::move(outcome), SteadyClock::now());
  if (changed && !failure.empty()) {
    spdlog::warn("target={} database={} collector={}{} reason={}: {}", options_.name, database,
                 planned.collector->name, FileOf(*planned.collector), failure, message);
  }
}

bool Target::State::NotVisited(const std::string& database, const Error& error) {
  if (stopped_ || IsOfTheServer(error)) return false;
  if (error.sqlstate == "3D000") {  // dropped since the pass began
    rotation_.Forget(database);
    governors_elsewhere_.erase(database);
    return true;
  }
  const std::string reason = pg::FailureLabel(error);
  if (rotation_.Failed(database, reason)) {
    spdlog::warn("target={} database={} reason={}: {}", options_.name, database, reason,
                 error.message);
  }
  return true;
}

}  // namespace pgbeacon::scrape
