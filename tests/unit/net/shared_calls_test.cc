#include "exporter/net/shared_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>

#include "tests/support/event_loop.h"

namespace pgbeacon::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class SharedCallsTest : public testing::Test {
 protected:
  awaitable<std::optional<int>> Ask(std::string key, std::function<int()> work, Duration patience) {
    const TimePoint deadline = SteadyClock::now() + patience;
    const std::optional<int> answer =
        co_await calls_.Run(pool_, std::move(key), std::move(work), deadline);
    co_return answer;
  }

  test::EventLoop loop_;
  BlockingPool pool_{2, 16};
  SharedCalls calls_;
};

TEST_F(SharedCallsTest, GiveTheAnswer) {
  EXPECT_EQ(7, loop_.Await(Ask(
                   "a", [] { return 7; }, minutes(1))));
  EXPECT_EQ(8, loop_.Await(Ask(
                   "a", [] { return 8; }, minutes(1))));
}

TEST_F(SharedCallsTest, HoldOneThreadForWhatHangs) {
  std::promise<void> go;
  std::atomic<int> begun{0};
  const auto hang = [&begun, until = go.get_future().share()] {
    ++begun;
    until.wait();
    return 5;
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(std::nullopt, loop_.Await(Ask("hung", hang, milliseconds(60))));
  }
  EXPECT_EQ(1, begun);
  EXPECT_FALSE(calls_.Queued("hung"));
  EXPECT_EQ(9, loop_.Await(Ask(
                   "well", [] { return 9; }, minutes(1))));
  std::optional<int> late;
  asio::co_spawn(loop_.io, Ask("hung", hang, minutes(1)),
                 [&](std::exception_ptr, std::optional<int> answer) { late = answer; });
  loop_.io.restart();
  loop_.io.poll();
  go.set_value();
  EXPECT_TRUE(loop_.Until([&] { return late == 5; }));
  EXPECT_EQ(1, begun);
  EXPECT_EQ(5, loop_.Await(Ask("hung", hang, minutes(1))));
  EXPECT_EQ(2, begun);
}

TEST_F(SharedCallsTest, TellOfWhatWaitsForAThread) {
  BlockingPool one(1);
  std::promise<void> go;
  const auto hang = [until = go.get_future().share()] {
    until.wait();
    return 5;
  };
  int ended = 0;
  for (const char* key : {"first", "second"}) {
    asio::co_spawn(loop_.io, calls_.Run(one, key, hang, SteadyClock::now() + minutes(1)),
                   [&](std::exception_ptr, std::optional<int>) { ++ended; });
  }
  EXPECT_TRUE(loop_.Until([&] { return calls_.Queued("second") && !calls_.Queued("first"); }));
  go.set_value();
  EXPECT_TRUE(loop_.Until([&] { return ended == 2; }));
}

}  // namespace
}  // namespace pgbeacon::net
