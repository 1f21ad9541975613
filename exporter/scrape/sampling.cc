// Samples between scrapes, over the connection that scrapes use: never one of their own, never
// while a scrape uses it.
#include "exporter/scrape/sampling.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "collectors/engine/label_limit.h"
#include "exporter/scrape/ask.h"
#include "exporter/scrape/place.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

using collectors::PlannedCollector;

constexpr std::chrono::seconds kLook{1};             // for a plan with something to sample
constexpr std::chrono::milliseconds kPatience{900};  // with one sample
constexpr std::chrono::milliseconds kStatement{500};
constexpr double kLongest = 1.5;  // intervals that one sample stands for

}  // namespace

void Target::State::StartSampling() {
  net::asio::co_spawn(executor_, SampleOn(shared_from_this()),
                      [self = shared_from_this()](std::exception_ptr failure) {
                        try {
                          if (failure) std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                          spdlog::error("target={}: internal error in sampling: {}",
                                        self->options_.name, error.what());
                        }
                      });
}

net::awaitable<void> Target::State::SampleOn(std::shared_ptr<State> self) {
  TimePoint due = SteadyClock::now();
  while (!self->stopped_) {
    const bool ending = co_await self->ending_.Wait(due);
    if (ending) co_return;
    const TimePoint now = SteadyClock::now();
    due = now + kLook;
    const std::shared_ptr<const collectors::Plan> plan = self->plan_;
    if (!plan) continue;
    self->StartKnock();
    for (const PlannedCollector& planned : plan->on) {
      if (!planned.sample) continue;
      Sampling& sampling = self->samplings_[planned.collector->name];
      if (sampling.due <= now) {
        sampling.due = std::max(sampling.due + *planned.sample, now);
        co_await self->Sample(planned);
      }
      due = std::min(due, self->samplings_[planned.collector->name].due);
    }
  }
}

/// A time that is told as missed stays so: it is counted when it is known what became of it.
net::awaitable<void> Target::State::Sample(const PlannedCollector& planned) {
  const TimePoint now = SteadyClock::now();
  const std::string& name = planned.collector->name;
  const std::optional<TimePoint> before = std::exchange(samplings_[name].looked, now);
  const Duration since = before ? now - *before : Duration();
  const Duration stands =
      std::min<Duration>(since, std::chrono::duration_cast<Duration>(kLongest * *planned.sample));
  bool seen = false;
  if (!run_ && !asking_ && !stopped_ && main_.connected()) {
    const Place place(asking_, executor_);
    seen = co_await SampleNow(planned, stands, now + kPatience);
  }
  samplings_[name].missed += seen ? since - stands : since;
}

/// A connection that broke says nothing about the collector: what it showed last stays its state.
net::awaitable<bool> Target::State::SampleNow(const PlannedCollector& planned, Duration stands,
                                              TimePoint deadline) {
  std::optional<pg::Answer> answer;
  const auto take = [&answer](std::size_t, pg::Answer got) { answer = std::move(got); };
  std::vector<pg::Statement> statements;
  statements.push_back(ToStatement(planned, kStatement));
  pg::AnswerSink sink = take;
  Result<pg::Connection*> connection = co_await main_.Connect(kStatement, deadline);
  if (!connection.ok()) co_return false;
  const Status status =
      co_await (*connection)->Run(std::move(statements), deadline, std::move(sink));
  if (!status.ok()) {
    main_.Drop(/*running=*/true);
    facts_stale_ = true;
    co_return false;
  }
  const bool seen = answer && TakeSample(planned, *answer, stands);
  co_return seen;
}

bool Target::State::TakeSample(const PlannedCollector& planned, const pg::Answer& answer,
                               Duration stands) {
  const std::string& name = planned.collector->name;
  Sampling& sampling = samplings_[name];
  std::string message;
  Outcome outcome;
  outcome.done = true;
  outcome.seconds = Seconds(answer.took);
  if (answer.rows.ok()) {
    const collectors::ShortLabels shown(planned, **answer.rows);
    sampling.tally.Add(Decode(planned, shown, options_.name), planned.limit, Seconds(stands));
    sampling.sampled += stands;
    sampling.good = SteadyClock::now();
    outcome.left_out.dropped = sampling.tally.dropped();
    outcome.left_out.shortened = shown.shortened();
  } else {
    outcome.failure = pg::FailureLabel(answer.rows.error());
    message = answer.rows.error().message;
  }
  LogOutcome(*planned.collector, outcome.failure, message);
  sampling.last = std::move(outcome);
  return answer.rows.ok();
}

}  // namespace pgbeacon::scrape
