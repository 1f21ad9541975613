// Questions between runs, over the connection that runs use.
#include <algorithm>
#include <iterator>
#include <utility>

#include "exporter/scrape/ask.h"
#include "exporter/scrape/excess.h"
#include "exporter/scrape/place.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::ServerFacts;

}  // namespace

net::awaitable<Result<Asked>> Target::State::Ask(std::shared_ptr<State> self,
                                                 const collectors::Catalogue& more,
                                                 TimePoint deadline) {
  const Error late(ErrorCode::kTimeout, "the connection was not free before the deadline");
  while (self->run_ || self->asking_) {
    const std::shared_ptr<Run> run = self->run_;
    const std::shared_ptr<net::Event> asking = self->asking_;
    bool free = false;
    if (run) {
      free = co_await run->ended.Wait(deadline);
    } else {
      free = co_await asking->Wait(deadline);
    }
    if (!free) co_return late;
  }
  if (self->stopped_) co_return Error(ErrorCode::kUnavailable, "shutting down");
  const Place place(self->asking_, self->executor_);
  Result<Asked> asked = co_await self->AskNow(more, deadline);
  // After a lock that somebody else holds the connection is as good as before.
  if (!asked.ok() && asked.error().code != ErrorCode::kLockTimeout) {
    self->main_.Drop(/*running=*/true);
    self->facts_stale_ = true;
  }
  co_return asked;
}

net::awaitable<Result<Asked>> Target::State::AskNow(const collectors::Catalogue& more,
                                                    TimePoint deadline) {
  Recycle();
  bool warm = false;
  Result<ServerFacts> facts = co_await Base(deadline, warm);
  if (!facts.ok()) co_return facts.error();
  if (options_.refuse_superuser && !ExcessOf(*facts).empty()) {
    co_return Error(ErrorCode::kDenied,
                    "the login " + ExcessOf(*facts) + ", which --refuse-superuser turns away");
  }
  const Status learnt = co_await Learn(*std::move(facts), warm, deadline);
  if (!learnt.ok()) co_return learnt.error();
  Governors governors;  // each question stands for itself
  Asked asked;
  asked.facts = *facts_;
  collectors::Selection all;
  all.all = true;
  const collectors::Plan plan = MakePlan(more, all, *facts_);
  const std::chrono::milliseconds budget = Budget(deadline);
  std::vector<pg::Statement> statements;
  for (const collectors::PlannedCollector& planned : plan.on) {
    statements.push_back(ToStatement(planned, budget));
  }
  const auto take = [this, &plan, &asked, &governors](std::size_t statement, pg::Answer answer) {
    const collectors::PlannedCollector& planned = plan.on[statement];
    std::string message;
    Outcome outcome = ToOutcome(planned, std::move(answer), options_.name, governors, message);
    LogOutcome(*planned.collector, outcome.failure, message);
    std::ranges::move(outcome.families, std::back_inserter(asked.families));
  };
  Result<pg::Connection*> connection = co_await main_.Connect(budget, deadline);
  if (!connection.ok()) co_return connection.error();
  pg::AnswerSink sink = take;
  const Status status =
      co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
  if (!status.ok()) co_return status.error();
  co_return asked;
}

}  // namespace pgbeacon::scrape
