// Runs one coroutine to its end in a test, with a limit on the time it may take.
//
// Example:
//   EventLoop loop;
//   Families page = loop.Await(target.Scrape(deadline));
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::test {

class EventLoop {
 public:
  /// The coroutine's value; a default one, with a test failure, when it threw or took a minute.
  template <class T>
  T Await(net::awaitable<T> work) {
    std::optional<T> value;
    bool done = false;
    net::asio::co_spawn(io, std::move(work), [&](std::exception_ptr failure, T result) {
      done = true;
      EXPECT_FALSE(failure);
      value.emplace(std::move(result));
    });
    EXPECT_TRUE(Until([&] { return done; }));
    return value ? std::move(*value) : T();
  }

  void Await(net::awaitable<void> work) {
    bool done = false;
    net::asio::co_spawn(io, std::move(work), [&](std::exception_ptr failure) {
      done = true;
      EXPECT_FALSE(failure);
    });
    EXPECT_TRUE(Until([&] { return done; }));
  }

  /// Runs the loop until the condition holds, a minute at most.
  bool Until(const std::function<bool()>& condition) {
    const TimePoint limit = SteadyClock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (SteadyClock::now() > limit) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  net::asio::io_context io{1};
  net::BlockingPool pool;  // after io: joined while io still is there
};

}  // namespace pgbeacon::test
