#include "exporter/sample/sample_loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

namespace pgbeacon::sample {
namespace {

constexpr std::chrono::seconds kPatience{5};  // with one record

}  // namespace

struct SampleLoop::State {
  State(net::any_io_executor executor, std::unique_ptr<Sampler> sampler, std::string name,
        std::chrono::milliseconds interval, OnLine on_line)
      : timer(std::move(executor)),
        sampler(std::move(sampler)),
        name(std::move(name)),
        interval(std::max(interval, std::chrono::milliseconds(1))),
        on_line(std::move(on_line)) {}

  net::asio::steady_timer timer;
  std::unique_ptr<Sampler> sampler;
  std::string name;
  std::chrono::milliseconds interval;
  OnLine on_line;
  std::string failure;  // logged last; empty: the last record was had
  bool stopped = false;
};

SampleLoop::SampleLoop(net::any_io_executor executor, std::unique_ptr<Sampler> sampler,
                       std::string name, std::chrono::milliseconds interval, OnLine on_line)
    : state_(std::make_shared<State>(std::move(executor), std::move(sampler), std::move(name),
                                     interval, std::move(on_line))) {}

SampleLoop::~SampleLoop() { Stop(); }

void SampleLoop::Start() {
  net::asio::co_spawn(
      state_->timer.get_executor(), Run(state_), [state = state_](std::exception_ptr failure) {
        try {
          if (failure) std::rethrow_exception(failure);
        } catch (const std::exception& error) {
          spdlog::error("target={}: internal error in sampling: {}", state->name, error.what());
        }
      });
}

void SampleLoop::Stop() {
  state_->stopped = true;
  state_->on_line = nullptr;
  state_->timer.cancel();
}

net::awaitable<void> SampleLoop::Run(std::shared_ptr<State> state) {
  std::random_device random;
  TimePoint due = SteadyClock::now() +
                  std::chrono::milliseconds(random() % static_cast<unsigned>(std::min<std::int64_t>(
                                                           state->interval.count(), 1 << 30)));
  while (!state->stopped) {
    state->timer.expires_at(due);
    co_await state->timer.async_wait(net::kNoThrow);
    if (state->stopped) co_return;
    const TimePoint deadline = SteadyClock::now() + kPatience;
    const Result<std::string> line = co_await state->sampler->Sample(deadline);
    if (state->stopped) co_return;
    const std::string failure = line.ok() ? "" : line.error().message;
    if (failure != state->failure) {
      if (failure.empty()) {
        spdlog::info("target={}: sample# records are back", state->name);
      } else {
        spdlog::warn("target={}: no sample# record: {}", state->name, failure);
      }
      state->failure = failure;
    }
    if (line.ok()) state->on_line(*line);
    due = std::max(due + state->interval, SteadyClock::now());
  }
}

}  // namespace pgbeacon::sample
