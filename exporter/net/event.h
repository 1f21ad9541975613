// Event: something that happens once; any number of coroutines wait for it, each until its own
// deadline.
//
// Example:
//   const bool ended = co_await run->ended.Wait(deadline);
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "exporter/net/asio.h"

namespace pgbeacon::net {

/// Lives on one executor thread. Must outlive its waiters: they hold a share of its owner.
class Event {
 public:
  explicit Event(any_io_executor executor) : executor_(std::move(executor)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  bool happened() const { return happened_; }

  /// Wakes everyone who waits; later waits return at once.
  void Set() {
    happened_ = true;
    for (asio::steady_timer* timer : waiting_) timer->cancel();
  }

  /// Whether it has happened by `deadline`.
  awaitable<bool> Wait(TimePoint deadline) {
    if (happened_) co_return true;
    asio::steady_timer timer(executor_, deadline);
    const Entry entry(waiting_, timer);
    co_await timer.async_wait(kNoThrow);
    co_return happened_;
  }

 private:
  /// Takes the timer off the list also when the coroutine is destroyed while it waits.
  class Entry {
   public:
    Entry(std::vector<asio::steady_timer*>& list, asio::steady_timer& timer)
        : list_(list), timer_(&timer) {
      list_.push_back(timer_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { std::erase(list_, timer_); }

   private:
    std::vector<asio::steady_timer*>& list_;
    asio::steady_timer* timer_;
  };

  any_io_executor executor_;
  std::vector<asio::steady_timer*> waiting_;
  bool happened_ = false;
};

}  // namespace pgbeacon::net
