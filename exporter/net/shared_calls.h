// SharedCalls: what may hang, run on a pool: of one key a single call is under way, and who asks
// meanwhile waits for that one, so that what hangs holds one thread however often it is asked.
//
// Example:
//   const auto read = [path] { return ReadRegularFile(path); };
//   const auto text = co_await calls.Run(pool, path, read, SteadyClock::now() + 1s);
//   if (!text) Complain(path + " does not answer");
//
// All members are called on one executor's thread.
#pragma once

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "base/clock.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/net/event.h"

namespace pgbeacon::net {

class SharedCalls {
 public:
  /// Nothing where it has not ended by the deadline; it goes on by itself.
  template <class Work>
  awaitable<std::optional<std::invoke_result_t<Work>>> Run(BlockingPool& pool, std::string key,
                                                           Work work, TimePoint deadline) {
    using Value = std::invoke_result_t<Work>;
    const any_io_executor executor = co_await asio::this_coro::executor;
    const Key full(std::move(key), typeid(Value));
    std::shared_ptr<Call<Value>> call;
    if (const auto found = calls_->find(full); found != calls_->end()) {
      call = std::static_pointer_cast<Call<Value>>(found->second);
    } else {
      call = std::make_shared<Call<Value>>(executor);
      calls_->emplace(full, call);
      asio::co_spawn(executor, Do(pool, call, std::move(work)),
                     [call, full, calls = calls_](std::exception_ptr failure) {
                       call->failure = failure;
                       calls->erase(full);
                       call->done.Set();
                     });
    }
    const bool ended = co_await call->done.Wait(deadline);
    if (!ended) co_return std::nullopt;
    if (call->failure) std::rethrow_exception(call->failure);
    co_return call->value;
  }

  /// Whether a call of that key waits for a thread.
  bool Queued(const std::string& key) const {
    for (auto call = calls_->lower_bound(key); call != calls_->end(); ++call) {
      if (call->first.first != key) break;
      if (!call->second->begun) return true;
    }
    return false;
  }

 private:
  struct Begun {
    std::atomic<bool> begun{false};
  };
  template <class Value>
  struct Call : Begun {
    explicit Call(any_io_executor executor) : done(std::move(executor)) {}
    std::optional<Value> value;
    std::exception_ptr failure;
    Event done;
  };
  using Key = std::pair<std::string, std::type_index>;
  struct ByKey {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const { return a < b; }
    bool operator()(const Key& a, const std::string& b) const { return a.first < b; }
    bool operator()(const std::string& a, const Key& b) const { return a < b.first; }
  };

  template <class Value, class Work>
  static awaitable<void> Do(BlockingPool& pool, std::shared_ptr<Call<Value>> call, Work work) {
    auto run = [call, work = std::move(work)]() mutable {
      call->begun = true;
      return work();
    };
    Value value = co_await pool.Run(std::move(run));
    call->value.emplace(std::move(value));
  }

  /// Shared with the calls under way.
  std::shared_ptr<std::map<Key, std::shared_ptr<Begun>, ByKey>> calls_ =
      std::make_shared<std::map<Key, std::shared_ptr<Begun>, ByKey>>();
};

}  // namespace pgbeacon::net
