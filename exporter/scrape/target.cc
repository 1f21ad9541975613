#include "exporter/scrape/target.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "collectors/engine/known.h"
#include "exporter/scrape/page.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

constexpr std::chrono::seconds kClosing{1};
constexpr std::chrono::minutes kGap{5};  // between runs, in which a server may have been anything
constexpr std::chrono::seconds kShortestRun{
    1};  // an impatient client cannot make a server look down

/// A conninfo that libpq does not take leaves a target without a login: its pages say so.
std::shared_ptr<pg::Login> MakeLogin(const TargetOptions& options) {
  Result<pg::Login> login =
      pg::Login::Make(options.conninfo, options.user_file, options.password_file);
  if (login.ok()) return std::make_shared<pg::Login>(*std::move(login));
  spdlog::error("target={}: {}", options.name, login.error().message);
  return nullptr;
}

}  // namespace

Target::State::State(net::any_io_executor executor, net::Lanes lanes,
                     const collectors::Catalogue& catalogue, TargetOptions options,
                     std::shared_ptr<pg::Login> login)
    : executor_(executor),
      lanes_(lanes),
      catalogue_(catalogue),
      options_(std::move(options)),
      login_(login),
      backends_(std::make_shared<Backends>(executor)),
      main_(executor, lanes, login, backends_),
      visits_(executor, lanes, login, backends_),
      rotation_(options_.discovery),
      ending_(executor),
      observed_at_(SteadyClock::now()) {}

bool Run::CutShort() const {
  if (reason == pg::UpReason::kTimeout) return true;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const collectors::PlannedCollector& planned = plan->on[i];
    if (planned.interval || planned.sample) continue;
    if (!only.Wants(planned.collector->name, planned.collector->peer)) continue;
    if (!outcomes[i].done || outcomes[i].failure == "timeout") return true;
  }
  return false;
}

void Run::NameUnasked() {
  if (!plan || answered >= asked.size() || unfinished != "timeout") return;
  if (!plan->on[asked[answered]].collector->users) return;
  for (std::size_t i = answered + 1; i < asked.size(); ++i) {
    outcomes[asked[i]].failure = kNotAskedLabel;
  }
}

std::shared_ptr<Run> Target::State::Join(TimePoint deadline, const Only& only) {
  if (run_) return run_->only.Covers(only) ? run_ : nullptr;
  run_ =
      std::make_shared<Run>(executor_, std::max(deadline, SteadyClock::now() + kShortestRun), only);
  const std::shared_ptr<Run> run = run_;
  net::asio::co_spawn(executor_, Execute(shared_from_this(), run),
                      [self = shared_from_this(), run](std::exception_ptr failure) {
                        try {
                          if (failure) std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                          spdlog::error("target={}: internal error in a run: {}",
                                        self->options_.name, error.what());
                          run->unfinished = "other";
                          self->main_.Drop(/*running=*/true);
                        }
                        self->Finish(*run);
                      });
  return run;
}

void Target::State::Finish(Run& run) {
  const TimePoint now = SteadyClock::now();
  const bool up = run.reason == pg::UpReason::kOk;
  if (now - observed_at_ <= kGap) (up ? up_ : down_) += now - observed_at_;
  observed_at_ = now;
  attempted_ = true;
  run_.reset();
  run.ended.Set();
}

net::awaitable<Families> Target::State::Scrape(std::shared_ptr<State> self, TimePoint deadline,
                                               Only only) {
  for (;;) {
    const std::shared_ptr<Run> run = self->Join(deadline, only);
    if (!run) {
      const std::shared_ptr<Run> other = self->run_;
      const bool free = co_await other->ended.Wait(deadline);
      if (free) continue;
      co_return self->Page(*other, only, false);
    }
    ++run->readers;
    const bool ended = co_await run->ended.Wait(deadline);
    --run->readers;
    const bool again = ended && !self->stopped_ && run->deadline < deadline && run->CutShort();
    if (!again) co_return self->Page(*run, only, ended && run->readers == 0);
  }
}

Families Target::State::Page(Run& run, const Only& only, bool last) {
  const TimePoint now = SteadyClock::now();
  if (!plan_ && !assumed_) AssumePlan(collectors::kNewestMajor * 10000);
  const std::shared_ptr<const collectors::Plan> known = plan_ ? plan_ : assumed_;
  const std::shared_ptr<const collectors::Plan> plan = run.plan ? run.plan : known;
  schedule_.Expire(*known, now);
  run.NameUnasked();
  PageInput input;
  input.server = options_.name;
  input.naming = options_.naming;
  input.reason = run.reason;
  input.facts = run.identified && facts_ ? &*facts_ : nullptr;
  input.plan = plan.get();
  input.outcomes = run.plan ? &run.outcomes : nullptr;
  input.unfinished = run.unfinished;
  input.take = last;
  input.only = &only;
  input.breaker_open = breaker_.open();
  rotation_.Expire(now);
  input.schedule = &schedule_;
  input.rotation = &rotation_;
  input.samplings = &samplings_;
  if (options_.naming.prefix == Naming().prefix) input.namesakes = &namesakes_;
  input.now = now;
  input.backends = std::size_t{main_.holds_backend()} + std::size_t{visits_.holds_backend()} +
                   backends_->leaving();
  input.certificate_not_after = certificate_not_after_;
  if (login_) input.cost = *login_->cost;
  input.up = up_;
  input.down = down_;
  return MakePage(input);
}

net::awaitable<void> Target::State::Close(std::shared_ptr<State> self) {
  self->Stop();
  const TimePoint deadline = SteadyClock::now() + kClosing;
  if (const std::shared_ptr<Run> run = self->run_) co_await run->ended.Wait(deadline);
  if (const std::shared_ptr<net::Event> asking = self->asking_) co_await asking->Wait(deadline);
  if (const std::shared_ptr<net::Event> visit = self->visiting_) co_await visit->Wait(deadline);
  // Whoever has not ended by now waits on a pool thread and holds no connection.
  if (!self->run_ && !self->asking_) self->main_.Drop();
  if (!self->visiting_) self->visits_.Drop();
}

void Target::State::Stop() {
  stopped_ = true;
  listener = nullptr;
  ending_.Set();
  main_.Stop();
  visits_.Stop();
}

Target::Target(net::any_io_executor executor, net::Lanes lanes,
               const collectors::Catalogue& catalogue, TargetOptions options) {
  std::shared_ptr<pg::Login> login = MakeLogin(options);
  state_ = std::make_shared<State>(std::move(executor), lanes, catalogue, std::move(options),
                                   std::move(login));
  if (state_->options().sampling) state_->StartSampling();
}

Target::~Target() { state_->Stop(); }

net::awaitable<Families> Target::Scrape(TimePoint deadline, Only only) {
  return State::Scrape(state_, deadline, std::move(only));
}

net::awaitable<Result<std::vector<Explained>>> Target::Explain(TimePoint deadline) {
  return State::Explain(state_, deadline);
}

net::awaitable<Result<Asked>> Target::Ask(const collectors::Catalogue& more, TimePoint deadline) {
  return State::Ask(state_, more, deadline);
}

net::awaitable<RoleSeen> Target::Role(TimePoint deadline) { return State::Role(state_, deadline); }

void Target::OnFacts(std::function<void(const collectors::ServerFacts&)> listener) {
  state_->listener = std::move(listener);
}

bool Target::attempted() const { return state_->attempted(); }

const std::string& Target::name() const { return state_->options().name; }

net::awaitable<void> Target::Close() { return State::Close(state_); }

}  // namespace pgbeacon::scrape
