#include "exporter/fanout/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/fanout/hub_support.h"

namespace pgbeacon::fanout {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kAll = 100'000;

Subscription::Batch TakeAll(Subscription& subscription) { return subscription.Take(kAll); }

TEST(Hub, GivesTheLastMatchingLinesNotThoseAmongTheLast) {
  Hub hub({});
  for (int i = 0; i < 3; ++i) AddLine(hub, "orders", "wanted " + std::to_string(i));
  for (int i = 0; i < 500; ++i) AddLine(hub, "orders", "noise", "router");
  Filter filter;
  filter.process = "postgres";
  EXPECT_THAT(Texts(hub.Last(filter, 2)), ElementsAre("wanted 1", "wanted 2"));
  EXPECT_THAT(hub.Last(filter, 0), IsEmpty());
}

TEST(Hub, KeepsWhatALineSays) {
  Hub hub({});
  hub.Add({.server = "orders",
           .time = "2026-01-31 23:59:59.25 UTC",
           .source = "app",
           .process = "postgres.7",
           .severity = log::Severity::kError,
           .level = 3,
           .text = "one\ntwo"});
  const std::vector<EntryPtr> last = hub.Last({}, 1);
  ASSERT_THAT(last, SizeIs(1));
  EXPECT_EQ(last[0]->server, "orders");
  EXPECT_EQ(last[0]->time, "2026-01-31T23:59:59.250000+00:00");
  EXPECT_EQ(last[0]->source, "app");
  EXPECT_EQ(last[0]->process, "postgres.7");
  EXPECT_EQ(last[0]->severity, log::Severity::kError);
  EXPECT_EQ(last[0]->level, 3);
  EXPECT_EQ(last[0]->text, "one\ntwo");
}

TEST(Hub, MergesServersInTheOrderOfArrival) {
  Hub hub({});
  AddLine(hub, "a", "1");
  AddLine(hub, "b", "2");
  AddLine(hub, "c", "3");
  AddLine(hub, "a", "4");
  EXPECT_THAT(Texts(hub.Last({}, 3)), ElementsAre("2", "3", "4"));
  Filter filter;
  filter.servers = {"a", "c", "a"};
  EXPECT_THAT(Texts(hub.Last(filter, 3)), ElementsAre("1", "3", "4"));
}

TEST(Hub, FindsTheLastLinesOfManyServers) {
  Hub hub({});
  for (int i = 0; i < 1000; ++i)
    AddLine(hub, "server-" + std::to_string(i % 50), std::to_string(i));
  const std::vector<std::string> last = Texts(hub.Last({}, 10));
  EXPECT_THAT(last,
              ElementsAre("990", "991", "992", "993", "994", "995", "996", "997", "998", "999"));
}

TEST(Hub, KeepsSoManyLinesOfAServer) {
  Hub hub({.lines_per_server = 3});
  for (int i = 0; i < 5; ++i) AddLine(hub, "orders", std::to_string(i));
  EXPECT_THAT(Texts(hub.Last({}, kAll)), ElementsAre("2", "3", "4"));
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_lines"), 3);
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_lines_total"), 5);
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_dropped_lines_total", "memory"), 0);
}

TEST(Hub, AFloodEvictsItsOwnLinesAndNoOthers) {
  Hub hub({.lines_per_server = 1500, .bytes = 1 << 20});
  for (int i = 0; i < 100; ++i) AddLine(hub, "quiet-" + std::to_string(i % 10), "kept");
  for (int i = 0; i < 5000; ++i) AddLine(hub, "flood", std::string(5000, 'x'));
  Filter quiet;
  quiet.servers = {"quiet-*"};
  EXPECT_THAT(hub.Last(quiet, kAll), SizeIs(100));
  EXPECT_LE(Value(hub, "pgbeacon_fanout_bytes"), 1 << 20);
  EXPECT_GT(Value(hub, "pgbeacon_fanout_bytes"), (1 << 20) * 0.9);
  Filter flood;
  flood.servers = {"flood"};
  const double held = static_cast<double>(hub.Last(flood, kAll).size());
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_lines"), 100 + held);
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_dropped_lines_total", "memory"), 5000 - held);
}

TEST(Hub, SharesTheBudgetAmongServersThatAllWantIt) {
  Hub hub({.lines_per_server = 1500, .bytes = 1 << 20});
  for (int i = 0; i < 20'000; ++i) AddLine(hub, i % 3 == 0 ? "a" : "b", std::string(1000, 'x'));
  Filter filter;
  filter.servers = {"a"};
  const auto a = static_cast<double>(hub.Last(filter, kAll).size());
  filter.servers = {"b"};
  const auto b = static_cast<double>(hub.Last(filter, kAll).size());
  EXPECT_GT(a, b * 0.8);
  EXPECT_GT(b, a * 0.8);
}

TEST(Hub, ALineBeyondTheBudgetIsSentButNotKept) {
  Hub hub({.lines_per_server = 10, .bytes = 10'000});
  const auto subscription = hub.Subscribe({}, {}, [] {});
  AddLine(hub, "orders", "short");
  AddLine(hub, "orders", std::string(20'000, 'x'));
  EXPECT_THAT(Texts(hub.Last({}, kAll)), ElementsAre("short"));
  EXPECT_THAT(TakeAll(*subscription).lines, SizeIs(2));
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_dropped_lines_total", "too_long"), 1);
}

TEST(Hub, ForgetsTheServersThatWereSilentForLongest) {
  Hub hub({.servers = 100});
  AddLine(hub, "steady", "old");
  for (int i = 0; i < 1000; ++i) {
    AddLine(hub, "forged-" + std::to_string(i), "x");
    if (i % 10 == 0) AddLine(hub, "steady", "new");
  }
  EXPECT_LE(Value(hub, "pgbeacon_fanout_servers"), 100);
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_lines"), static_cast<double>(hub.Last({}, kAll).size()));
  Filter filter;
  filter.servers = {"steady"};
  EXPECT_THAT(hub.Last(filter, kAll), SizeIs(101));
}

TEST(HubSubscription, GetsWhatItsFilterTakes) {
  Hub hub({});
  AddLine(hub, "orders-1", "before");
  Filter filter;
  filter.servers = {"orders-*"};
  filter.at_least = log::Severity::kWarning;
  const auto subscription = hub.Subscribe(filter, {}, [] {});
  AddLine(hub, "orders-1", "log");
  AddLine(hub, "orders-1", "error", "postgres.1", log::Severity::kError);
  AddLine(hub, "billing", "error", "postgres.1", log::Severity::kError);
  AddLine(hub, "orders-2", "panic", "postgres.1", log::Severity::kPanic);
  EXPECT_THAT(Texts(TakeAll(*subscription).lines), ElementsAre("error", "panic"));
  EXPECT_THAT(TakeAll(*subscription).lines, IsEmpty());
}

TEST(HubSubscription, WakesOnceForLinesThatWait) {
  Hub hub({});
  int woken = 0;
  const auto subscription = hub.Subscribe({}, {}, [&woken] { ++woken; });
  for (int i = 0; i < 3; ++i) AddLine(hub, "orders", "x");
  EXPECT_EQ(woken, 1);
  EXPECT_THAT(subscription->Take(2).lines, SizeIs(2));
  AddLine(hub, "orders", "x");
  EXPECT_EQ(woken, 1);
  TakeAll(*subscription);
  AddLine(hub, "orders", "x");
  EXPECT_EQ(woken, 2);
}

TEST(HubSubscription, ContinuesWhereTheLastLinesEnd) {
  Hub hub({});
  AddLine(hub, "a", "1");
  const auto subscription = hub.Subscribe({}, {}, [] {});
  AddLine(hub, "a", "2");
  EXPECT_THAT(Texts(hub.Last({}, kAll, 0, subscription->begins_after())), ElementsAre("1"));
  const std::vector<EntryPtr> rest = TakeAll(*subscription).lines;
  EXPECT_THAT(Texts(rest), ElementsAre("2"));
  AddLine(hub, "a", "3");
  EXPECT_THAT(Texts(hub.Last({}, kAll, rest[0]->number)), ElementsAre("3"));
}

TEST(HubSubscription, ASlowReaderLosesItsOldestLinesAndIsToldSo) {
  Hub hub({});
  const SubscriptionLimits limits{.lines = 10, .bytes = std::size_t{1} << 20};
  const auto slow = hub.Subscribe({}, limits, [] {});
  const auto fast = hub.Subscribe({}, limits, [] {});
  std::size_t seen = 0;
  for (int i = 0; i < 100; ++i) {
    AddLine(hub, "orders", std::to_string(i));
    seen += TakeAll(*fast).lines.size();
  }
  EXPECT_EQ(seen, 100U);
  const Subscription::Batch batch = slow->Take(3);
  EXPECT_EQ(batch.dropped, 90U);
  EXPECT_GT(batch.dropped_since_unix, 0);
  EXPECT_THAT(Texts(batch.lines), ElementsAre("90", "91", "92"));
  EXPECT_EQ(slow->Take(3).dropped, 0U);
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_dropped_lines_total", "subscriber_slow"), 90);
}

TEST(HubSubscription, HoldsNoMoreBytesThanItMay) {
  Hub hub({});
  const SubscriptionLimits limits{.lines = 1000, .bytes = 10'000};
  const auto subscription = hub.Subscribe({}, limits, [] {});
  for (int i = 0; i < 100; ++i) AddLine(hub, "orders", std::string(1000, 'x'));
  std::size_t bytes = 0;
  const Subscription::Batch batch = TakeAll(*subscription);
  for (const EntryPtr& entry : batch.lines) bytes += entry->bytes();
  EXPECT_LE(bytes, 10'000U);
  EXPECT_EQ(batch.dropped + batch.lines.size(), 100U);
}

TEST(HubSubscription, MayOutliveTheHub) {
  auto hub = std::make_unique<Hub>(HubOptions());
  const auto subscription = hub->Subscribe({}, {}, [] {});
  AddLine(*hub, "orders", "last words");
  hub.reset();
  EXPECT_THAT(Texts(TakeAll(*subscription).lines), ElementsAre("last words"));
}

TEST(HubSubscription, IsCountedWhileItLives) {
  Hub hub({});
  auto subscription = hub.Subscribe({}, {}, [] {});
  AddLine(hub, "orders", "x");
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_subscribers"), 1);
  subscription.reset();
  AddLine(hub, "orders", "x");
  EXPECT_EQ(Value(hub, "pgbeacon_fanout_subscribers"), 0);
}

}  // namespace
}  // namespace pgbeacon::fanout
