#include "exporter/net/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "tests/support/event_loop.h"

namespace pgbeacon::net {
namespace {

awaitable<int> Ask(BlockingPool& pool, std::function<int()> work) {
  const int answer = co_await pool.Run(std::move(work));
  co_return answer;
}

/// Calls that hang until they are let go.
class Hung {
 public:
  Hung(test::EventLoop& loop, BlockingPool& pool) : loop_(loop), pool_(pool) {}

  void Add() {
    const auto hang = [this] {
      ++begun;
      until_.wait();
      return 0;
    };
    asio::co_spawn(loop_.io, Ask(pool_, hang), [this](std::exception_ptr, int) { ++ended; });
  }
  void LetGo() { go_.set_value(); }

  std::atomic<int> begun{0};
  int ended = 0;

 private:
  test::EventLoop& loop_;
  BlockingPool& pool_;
  std::promise<void> go_;
  std::shared_future<void> until_ = go_.get_future().share();
};

TEST(BlockingPool, GivesTheResultBack) {
  test::EventLoop loop;
  EXPECT_EQ(7, loop.Await(Ask(loop.pool, [] { return 7; })));
}

TEST(BlockingPool, GivesWhatIsThrownBack) {
  test::EventLoop loop;
  std::string said;
  const auto fail = []() -> int { throw std::runtime_error("no luck"); };
  asio::co_spawn(loop.io, Ask(loop.pool, fail), [&](std::exception_ptr failure, int) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::runtime_error& error) {
      said = error.what();
    }
  });
  EXPECT_TRUE(loop.Until([&] { return said == "no luck"; }));
}

TEST(BlockingPool, CallsThatHangLeaveTheirLanesToOthers) {
  test::EventLoop loop;
  BlockingPool pool(2, 16);
  Hung hung(loop, pool);
  for (int i = 0; i < 12; ++i) hung.Add();
  EXPECT_EQ(7, loop.Await(Ask(pool, [] { return 7; })));
  EXPECT_EQ(12, hung.begun);
  EXPECT_EQ(0, hung.ended);
  hung.LetGo();
  EXPECT_TRUE(loop.Until([&] { return hung.ended == 12; }));
  EXPECT_EQ(8, loop.Await(Ask(pool, [] { return 8; })));
}

TEST(BlockingPool, NoMoreThanItMayAreUnderWay) {
  test::EventLoop loop;
  BlockingPool pool(1, 3);
  Hung hung(loop, pool);
  for (int i = 0; i < 5; ++i) hung.Add();
  EXPECT_TRUE(loop.Until([&] { return hung.begun == 3; }));
  bool answered = false;
  asio::co_spawn(loop.io, Ask(pool, [] { return 7; }),
                 [&](std::exception_ptr, int) { answered = true; });
  const TimePoint later = SteadyClock::now() + 4 * BlockingPool::kSlow;
  loop.Until([&] { return SteadyClock::now() > later; });
  EXPECT_EQ(3, hung.begun);
  EXPECT_FALSE(answered);
  hung.LetGo();
  EXPECT_TRUE(loop.Until([&] { return answered && hung.ended == 5; }));
}

TEST(BlockingPool, WhatHasNotBegunNeverDoesOnceThePoolIsGone) {
  test::EventLoop loop;
  auto pool = std::make_unique<BlockingPool>(1);
  Hung hung(loop, *pool);
  hung.Add();
  EXPECT_TRUE(loop.Until([&] { return hung.begun == 1; }));
  hung.Add();
  loop.io.poll();
  hung.LetGo();
  pool.reset();
  EXPECT_LE(hung.begun, 2);
}

}  // namespace
}  // namespace pgbeacon::net
