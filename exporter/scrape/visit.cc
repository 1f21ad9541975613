// Collectors with an interval, on a connection that is open for the visit only; and explain, which
// takes the same place.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "exporter/scrape/ask.h"
#include "exporter/scrape/excess.h"
#include "exporter/scrape/namesakes.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::PlannedCollector;

constexpr std::chrono::seconds kStatementTimeout{30};  // of a collector that names none
constexpr std::chrono::seconds kGrace{1};  // for the server's own timeout to reach us first

Outcome Failed(const Error& error) {
  Outcome outcome;
  outcome.done = true;
  outcome.failure = pg::FailureLabel(error);
  return outcome;
}

}  // namespace

void Target::State::StartVisit() {
  const TimePoint now = SteadyClock::now();
  if (visiting_ || stopped_) return;
  if (schedule_.Due(*plan_, now).empty() && !rotation_.Due(now)) return;
  visiting_ = std::make_shared<net::Event>(executor_);
  visiting_own_ = std::make_shared<net::Event>(executor_);
  net::asio::co_spawn(executor_, Visit(shared_from_this(), plan_),
                      [self = shared_from_this(), event = visiting_](std::exception_ptr failure) {
                        try {
                          if (failure) std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                          spdlog::error("target={}: internal error in a visit: {}",
                                        self->options_.name, error.what());
                        }
                        self->visits_.Drop();
                        self->visiting_own_->Set();
                        self->visiting_.reset();
                        event->Set();
                      });
}

net::awaitable<void> Target::State::Visit(std::shared_ptr<State> self,
                                          std::shared_ptr<const collectors::Plan> plan) {
  co_await self->VisitOwn(plan);
  self->visiting_own_->Set();
  if (self->rotation_.Due(SteadyClock::now())) co_await self->Rotate();
}

net::awaitable<void> Target::State::VisitOwn(std::shared_ptr<const collectors::Plan> plan) {
  const TimePoint start = SteadyClock::now();
  const std::vector<const PlannedCollector*> due = schedule_.Due(*plan, start);
  if (due.empty()) co_return;
  for (std::size_t i = 0; i < due.size(); ++i) {
    Result<pg::Connection*> connection =
        co_await visits_.Connect(kStatementTimeout, SteadyClock::now() + options_.connect_timeout);
    if (!connection.ok()) {
      for (; i < due.size(); ++i) schedule_.Record(*due[i], Failed(connection.error()), start);
      co_return;
    }
    const PlannedCollector& planned = *due[i];
    const Status status = co_await VisitOne(**connection, planned);
    if (status.ok()) continue;
    schedule_.Record(planned, Failed(status.error()), SteadyClock::now());
    LogOutcome(*planned.collector, pg::FailureLabel(status.error()), status.error().message);
    visits_.Drop(/*running=*/true);
    if (!IsItsDoing(planned, status)) co_return;  // the rest stays due
  }
}

net::awaitable<Status> Target::State::VisitOne(pg::Connection& connection,
                                               const PlannedCollector& planned) {
  const std::chrono::milliseconds timeout = planned.timeout.value_or(kStatementTimeout);
  const auto take = [this, &planned](std::size_t, pg::Answer answer) {
    std::string message;
    Outcome outcome = ToOutcome(planned, std::move(answer), options_.name, governors_, message);
    NameIfDiscovering(planned, outcome);
    LogOutcome(*planned.collector, outcome.failure, message);
    schedule_.Record(planned, std::move(outcome), SteadyClock::now());
  };
  std::vector<pg::Statement> statements;
  statements.push_back(ToStatement(planned, timeout));
  pg::AnswerSink sink = take;
  const Status status = co_await connection.Run(
      std::move(statements), SteadyClock::now() + timeout + kGrace, std::move(sink));
  co_return status;
}

net::awaitable<Result<std::vector<Explained>>> Target::State::Explain(std::shared_ptr<State> self,
                                                                      TimePoint deadline) {
  while (const std::shared_ptr<net::Event> visit = self->visiting_) {
    const bool ended = co_await visit->Wait(deadline);
    if (!ended) co_return Error(ErrorCode::kTimeout, "the server is busy with a visit");
  }
  const auto event = std::make_shared<net::Event>(self->executor_);
  self->visiting_ = event;
  Result<std::vector<Explained>> explained = co_await self->ExplainNow(deadline);
  self->visits_.Drop(/*running=*/!explained.ok());
  self->visiting_.reset();
  event->Set();
  co_return explained;
}

net::awaitable<Result<std::vector<Explained>>> Target::State::ExplainNow(TimePoint deadline) {
  Result<pg::Connection*> connection = co_await visits_.Connect(kStatementTimeout, deadline);
  if (!connection.ok()) co_return connection.error();
  Result<collectors::ServerFacts> facts = co_await AskIdentity(**connection, catalogue_, deadline);
  if (!facts.ok()) co_return facts.error();
  if (options_.refuse_superuser && !ExcessOf(*facts).empty()) {
    co_return Error(ErrorCode::kDenied,
                    "the login " + ExcessOf(*facts) + ", which --refuse-superuser turns away");
  }
  FailedFacts failed;
  const Status learnt = co_await AskRest(**connection, catalogue_, deadline, *facts, failed);
  if (!learnt.ok()) co_return learnt.error();
  hidden_.PutInto(*facts);
  collectors::Plan plan = MakePlan(catalogue_, options_.selection, *facts);
  if (HiddenSettings::ShownBy(plan)) {
    visits_.Drop();
    Result<collectors::ServerFacts> hidden = co_await AskHidden(deadline);
    if (hidden.ok()) {
      hidden_.Learn(*facts, std::move(hidden->settings), SteadyClock::now());
      hidden_.PutInto(*facts);
      plan = MakePlan(catalogue_, options_.selection, *facts);
    }
    connection = co_await visits_.Connect(kStatementTimeout, deadline);
    if (!connection.ok()) co_return connection.error();
  }
  std::vector<Explained> lines;
  for (const PlannedCollector& planned : plan.on) {
    Explained& line = lines.emplace_back();
    line.collector = planned.collector->name;
    line.on = true;
    line.sql = planned.sql;
    const auto take = [&line, &planned, this](std::size_t, pg::Answer answer) {
      line.seconds = Seconds(answer.took);
      if (!answer.rows.ok()) {
        line.reason = answer.rows.error().message;
        return;
      }
      line.rows = (*answer.rows)->rows();
      Governors governors;  // of one answer
      line.series = DecodeGoverned(planned, **answer.rows, options_.name, governors).series;
    };
    std::vector<pg::Statement> statements;
    const std::chrono::milliseconds budget = Budget(deadline);
    statements.push_back(ToStatement(planned, ShareOf(planned, budget, 2)));
    pg::AnswerSink sink = take;
    const Status status =
        co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
    if (!status.ok()) co_return status.error();
  }
  for (const Namesake& one : NamesakesOf(plan)) {
    const auto line = std::ranges::find(lines, one.users->name, &Explained::collector);
    line->reason += (line->reason.empty() ? "" : "; ") + one.InWords();
  }
  for (const collectors::OffCollector& off : plan.off) {
    Explained& line = lines.emplace_back();
    line.collector = off.collector->name;
    line.reason = off.reason;
  }
  co_return lines;
}

}  // namespace pgbeacon::scrape
