// Several threads at once; what they may not do is seen under the thread sanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/text.h"
#include "tests/unit/fanout/hub_support.h"

namespace pgbeacon::fanout {
namespace {

constexpr int kLines = 20'000;

std::string ServerOf(int line) { return "server-" + std::to_string(line % 7); }

/// Reads until the last line has come; every line of the subscription is there once and in order,
/// or was told as dropped.
void ReadToTheEnd(Hub& hub, SubscriptionLimits limits) {
  std::mutex mutex;
  std::condition_variable woken;
  bool news = false;
  const auto subscription = hub.Subscribe({}, limits, [&] {
    const std::lock_guard lock(mutex);
    news = true;
    woken.notify_one();
  });
  std::uint64_t last = subscription->begins_after();
  std::uint64_t dropped = 0;
  for (bool ended = false; !ended;) {
    std::size_t taken = 0;
    do {
      const Subscription::Batch batch = subscription->Take(100);
      dropped += batch.dropped;
      taken = batch.lines.size();
      for (const EntryPtr& entry : batch.lines) {
        ASSERT_EQ(entry->number, last + dropped + 1);
        last = entry->number;
        dropped = 0;
        ended = ended || entry->text == "end";
      }
    } while (taken > 0);
    std::unique_lock lock(mutex);
    ASSERT_TRUE(ended || woken.wait_for(lock, std::chrono::seconds(30), [&] { return news; }));
    news = false;
  }
}

TEST(HubThreads, ReadersAndWritersMeet) {
  Hub hub({.lines_per_server = 100, .bytes = 200'000});
  std::atomic<int> reading{0};
  std::atomic<bool> ended{false};
  const auto read = [&](SubscriptionLimits limits) {
    ++reading;
    ReadToTheEnd(hub, limits);
  };
  std::thread patient(read, SubscriptionLimits{.lines = kLines + 1, .bytes = std::size_t{1} << 30});
  std::thread forgetful(read, SubscriptionLimits{.lines = 16, .bytes = 100'000});
  std::thread looker([&] {
    Filter filter;
    filter.servers = {"server-*"};
    while (!ended) {
      std::uint64_t before = 0;
      for (const EntryPtr& entry : hub.Last(filter, 50)) {
        ASSERT_LT(before, entry->number);
        before = entry->number;
      }
      Families families;
      hub.AppendFamilies(families);
    }
  });
  std::thread comer([&] {
    while (!ended) hub.Subscribe({.servers = {"server-1"}}, {}, [] {})->Take(10);
  });
  while (reading < 2) std::this_thread::yield();
  for (int i = 0; i < kLines; ++i) AddLine(hub, ServerOf(i), std::to_string(i));
  std::thread second([&] { AddLine(hub, "sample", "from another thread"); });
  second.join();
  // The readers' subscriptions may be made a moment after they said so: the end is told until seen.
  std::atomic<bool> done{false};
  std::thread waiter([&] {
    patient.join();
    forgetful.join();
    done = true;
  });
  while (!done) {
    AddLine(hub, "server-0", "end");
    std::this_thread::yield();
  }
  waiter.join();
  ended = true;
  looker.join();
  comer.join();
}

}  // namespace
}  // namespace pgbeacon::fanout
