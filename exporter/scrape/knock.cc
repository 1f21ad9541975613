// Letting go of a server that shuts down. A smart shutdown lets nobody in and waits for every
// session to end, and the sessions that are there are told nothing: the one that a target keeps
// would hold it up for ever. So the door is tried now and then, in the place of the second backend.
#include <spdlog/spdlog.h>

#include <exception>

#include "exporter/pg/knock.h"
#include "exporter/scrape/target_state.h"

namespace pgbeacon::scrape {
namespace {

constexpr std::chrono::seconds kEvery{10};
constexpr std::chrono::seconds kPatience{1};
constexpr std::chrono::minutes kBusy{5};  // with what uses the connection

}  // namespace

void Target::State::StartKnock() {
  const TimePoint now = SteadyClock::now();
  if (visiting_ || stopped_ || !main_.connected() || login_->several_hosts()) return;
  if (now - admitted_at_ < kEvery) return;
  admitted_at_ = now;
  visiting_ = std::make_shared<net::Event>(executor_);
  net::asio::co_spawn(executor_, KnockAt(shared_from_this()),
                      [self = shared_from_this(), event = visiting_](std::exception_ptr failure) {
                        try {
                          if (failure) std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                          spdlog::error("target={}: internal error at the door: {}",
                                        self->options_.name, error.what());
                        }
                        self->visiting_.reset();
                        event->Set();
                      });
}

net::awaitable<void> Target::State::KnockAt(std::shared_ptr<State> self) {
  const TimePoint start = SteadyClock::now();
  const Status door =
      co_await pg::Knock(self->executor_, *self->lanes_.trusted, self->login_, start + kPatience);
  if (door.ok() || pg::ReasonOf(door.error()) != pg::UpReason::kInShutdown) co_return;
  while (self->run_ || self->asking_) {
    const std::shared_ptr<Run> run = self->run_;
    const std::shared_ptr<net::Event> asking = self->asking_;
    if (run) {
      co_await run->ended.Wait(start + kBusy);
    } else {
      co_await asking->Wait(start + kBusy);
    }
    if (self->stopped_ || SteadyClock::now() > start + kBusy) co_return;
  }
  if (!self->main_.connected()) co_return;
  spdlog::info("target={}: the server shuts down and waits for its sessions: ours is closed",
               self->options_.name);
  self->main_.Drop();
  self->facts_stale_ = true;
}

}  // namespace pgbeacon::scrape
