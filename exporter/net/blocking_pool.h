// Threads for calls that block: PQconnectStart (files, name resolution), PQcancel, bcrypt, gzip of
// large pages. A pool may be given more threads than lanes: a call that takes long leaves its lane
// to others, so that a name server or a mount that hangs delays only those who need it.
//
// Example:
//   Page page = co_await pool.Run([body] { return Compress(body); });   // name the lambda: see
//   asio.h
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "exporter/net/asio.h"
#include "exporter/net/event.h"

namespace pgbeacon::net {

class BlockingPool {
 public:
  /// For how long a call has its lane.
  static constexpr std::chrono::milliseconds kSlow{50};

  /// `lanes`: how many calls begin at once. `most`: how many may be under way, with those that have
  /// left their lanes.
  explicit BlockingPool(std::size_t lanes = 2) : BlockingPool(lanes, lanes) {}
  BlockingPool(std::size_t lanes, std::size_t most) : lanes_(lanes), most_(most) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// Waits for the calls under way; those that have not begun never do.
  ~BlockingPool();

  /// Runs `work` on a pool thread and resumes the caller on its own executor with the result.
  template <class Work>
  awaitable<std::invoke_result_t<Work>> Run(Work work) {
    const any_io_executor caller = co_await asio::this_coro::executor;
    auto call = std::make_shared<Call<Work>>(caller, std::move(work));
    Post([call]() mutable { Call<Work>::Do(std::move(call)); });
    while (!call->done.happened()) {
      const TimePoint later = SteadyClock::now() + std::chrono::hours(1);
      co_await call->done.Wait(later);
    }
    if (call->failure) std::rethrow_exception(call->failure);
    co_return std::move(*call->value);
  }

 private:
  /// Shared by the caller and the thread, which gives its share back to the caller's executor.
  template <class Work>
  struct Call {
    Call(any_io_executor caller, Work given)
        : executor(caller), work(std::move(given)), done(std::move(caller)) {}

    static void Do(std::shared_ptr<Call> self) {
      try {
        self->value.emplace(self->work());
      } catch (...) {
        self->failure = std::current_exception();
      }
      const any_io_executor executor = self->executor;
      asio::post(executor, [self = std::move(self)] { self->done.Set(); });
    }

    any_io_executor executor;
    Work work;
    std::optional<std::invoke_result_t<Work>> value;
    std::exception_ptr failure;
    Event done;
  };

  using Threads = std::list<std::thread>;

  void Post(std::function<void()> work);
  void AddThread() PGB_REQUIRES(mutex_);
  void Work(Threads::iterator self);
  bool WaitForTurn() PGB_REQUIRES(mutex_);

  const std::size_t lanes_;
  const std::size_t most_;
  Mutex mutex_;
  std::condition_variable_any news_;
  std::deque<std::function<void()>> waiting_ PGB_GUARDED_BY(mutex_);
  std::list<TimePoint> begun_ PGB_GUARDED_BY(mutex_);  ///< of the calls under way
  Threads threads_ PGB_GUARDED_BY(mutex_);
  Threads left_ PGB_GUARDED_BY(mutex_);  ///< threads that have ended
  std::size_t idle_ PGB_GUARDED_BY(mutex_) = 0;
  bool ending_ PGB_GUARDED_BY(mutex_) = false;
};

}  // namespace pgbeacon::net
