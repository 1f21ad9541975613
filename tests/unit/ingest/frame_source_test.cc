#include "exporter/ingest/frame_source.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "exporter/ingest/source_rows.h"

namespace pgbeacon::ingest {
namespace {

/// Counts messages; nobody reads lines.
class Counts : public Counting {
 public:
  int Server(std::string_view name) override {
    names.emplace_back(name);
    return static_cast<int>(names.size()) - 1;
  }
  void Count(int, const log::Message& message, log::Written) override {
    ++messages;
    bytes += message.text.size();
  }
  bool shows() const override { return false; }
  void Show(const fanout::Line&) override {}

  std::vector<std::string> names;
  std::size_t messages = 0;
  std::size_t bytes = 0;
};

std::string Frame(const std::string& server, int pid, const std::string& text) {
  return "<134>Nov 20 20:14:23 " + server + " postgres[" + std::to_string(pid) +
         "]: [1-1] 2026-11-20 20:14:23 UTC [" + std::to_string(pid) + "] " + text;
}

TEST(FrameSource, BoundsWhatIsOpenOfAllServersAndLosesNothing) {
  constexpr int kServers = 60;
  constexpr int kSessions = 4;
  Counts counts;
  FrameSource source({.name = "tcp", .prefix = "%t [%p] "}, counts);
  std::size_t most = 0;
  for (int session = 0; session < kSessions; ++session) {
    for (int server = 0; server < kServers; ++server) {
      source.TakeFrame(
          Frame("db" + std::to_string(server), 100 + session, "LOG:  " + std::string(900'000, 'x')),
          "10.0.0.7", false);
      most = std::max(most, source.status().open_bytes.value_or(0));
    }
  }
  EXPECT_LE(most, FrameSource::kMostOpen);
  EXPECT_GT(most, FrameSource::kMostOpen / 2);
  source.Finish();
  EXPECT_EQ(counts.messages, std::size_t{kServers} * kSessions);
  EXPECT_EQ(counts.bytes, std::size_t{kServers} * kSessions * 900'000);
  EXPECT_EQ(source.status().open_bytes, 0u);
}

TEST(FrameSource, DeliversASessionsLastRecordWhileOthersSend) {
  Counts counts;
  FrameSource source({.name = "udp", .prefix = "%t [%p] "}, counts);
  TimePoint now = SteadyClock::now();
  source.TakeFrame(Frame("db1", 7, "FATAL:  the database system is starting up"), "", false);
  for (int i = 0; i < 40; ++i) {
    now += std::chrono::milliseconds(100);
    source.TakeFrame(Frame("db1", 8, "LOG:  one"), "", false);
    source.EndRound(now);
  }
  EXPECT_GE(counts.messages, 40u);  // all but the neighbour's last
}

TEST(FrameSource, KeepsWhatWasOverQuotaAcrossARestart) {
  Counts counts;
  FrameSource source({.name = "tcp", .quota = {.lines_per_second = 1, .burst = 2}}, counts);
  for (int i = 0; i < 5; ++i) source.TakeFrame(Frame("db1", 7, "LOG:  x"), "", false);
  DeliveryCount delivery;
  delivery.missing = 4;
  source.CountDelivery(delivery);
  std::vector<state::Row> rows;
  AppendSourceRows("tcp", source.status(), {}, rows);
  SourceStatus restored;
  for (const state::Row& row : rows) EXPECT_TRUE(RestoreSourceRow(row.key, *row.value, restored));
  EXPECT_EQ(restored.over_quota.at("db1"), 3u);
  EXPECT_EQ(restored.deliveries.missing, 4u);
  EXPECT_EQ(restored.dropped, source.status().dropped);
  std::vector<state::Row> none;
  AppendSourceRows("tcp", source.status(), source.status(), none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace pgbeacon::ingest
