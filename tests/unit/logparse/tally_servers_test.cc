// The servers of a tally: how many, and how their first counts show.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tally_support.h"

namespace pgbeacon::log {
namespace {

constexpr const char* kErrors = "pg_log_messages_total{server=db,severity=ERROR}";

void CountError(Tally& tally, std::string_view server = "db") {
  static Event event;
  const Message message = Line(Severity::kError, "nobody knows this");
  Builtin().Match(message, event);
  tally.Count(tally.Server(server, true), message, event, 0);
}

void Commit(Tally& live, Tally& published) {
  std::vector<TallyRow> rows;
  live.Changes(published, rows);
  for (const TallyRow& row : rows) EXPECT_TRUE(published.Restore(row)) << row.key;
}

// -1: no such series.
double Scraped(Tally& tally, const std::string& severity = "ERROR",
               const std::string& server = "db") {
  for (const Family& family : tally.Scrape(0)) {
    if (family.name != "pg_log_messages_total") continue;
    for (const ClientMetric& metric : family.metric) {
      if (metric.label[0].value == server && metric.label.back().value == severity) {
        return metric.counter.value;
      }
    }
  }
  return -1;
}

std::vector<std::string> SeriesOf(const Family& family) {
  std::vector<std::string> series;
  for (const ClientMetric& metric : family.metric) {
    std::string& text = series.emplace_back();
    for (const auto& label : metric.label) text += label.name + "=" + label.value + " ";
    text += FormatDouble(metric.counter.value) + " " + FormatDouble(metric.gauge.value);
    text += " " + std::to_string(metric.histogram.sample_count);
  }
  return series;
}

TEST(TallyServers, SeenInTrafficShowZerosOnceBeforeTheirCounts) {
  Tally live(Builtin(), {});
  Tally published(Builtin(), {});
  CountError(live);
  EXPECT_EQ(Scraped(published), -1) << "nothing is committed";
  Commit(live, published);
  CountError(live);
  Commit(live, published);
  EXPECT_EQ(Value(published, kErrors), 2) << "Collect() holds nothing back";
  EXPECT_EQ(Scraped(published), 0);
  EXPECT_EQ(Scraped(published), 2);
  CountError(live);
  Commit(live, published);
  EXPECT_EQ(Scraped(published), 3);
}

TEST(TallyServers, ShowNothingButBornZerosFirst) {
  Tally live(Builtin(), {.datname_limit = 2, .fingerprints = 2});
  Tally published(Builtin(), {.datname_limit = 2, .fingerprints = 2});
  Tally untouched(Builtin(), {.datname_limit = 2, .fingerprints = 2});
  untouched.Server("db");
  const int server = live.Server("db", true);
  Message message = Line(Severity::kLog, "duration: 5000 ms  statement: SELECT 1");
  message.database = "app";
  Event event;
  Builtin().Match(message, event);
  live.Count(server, message, event, 0);
  Commit(live, published);
  const Families scraped = published.Scrape(0);
  const Families zeros = untouched.Collect(0);
  ASSERT_EQ(scraped.size(), zeros.size());
  for (std::size_t i = 0; i < zeros.size(); ++i) {
    EXPECT_EQ(scraped[i].name, zeros[i].name);
    EXPECT_EQ(SeriesOf(scraped[i]), SeriesOf(zeros[i])) << zeros[i].name;
  }
}

TEST(TallyServers, OfTheConfigurationShowTheirCountsAtOnce) {
  Tally live(Builtin(), {});
  Tally published(Builtin(), {});
  live.Server("db");
  CountError(live);
  Commit(live, published);
  EXPECT_EQ(Scraped(published), 1);
}

TEST(TallyServers, OfARestoredStateWereShownBefore) {
  Tally before(Builtin(), {});
  CountError(before);
  std::vector<TallyRow> rows;
  before.Changes(Tally(Builtin(), {}), rows);
  Tally live(Builtin(), {});
  Tally published(Builtin(), {});
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    live.Restore(*row);
    published.Restore(*row);
  }
  published.MarkScraped();
  CountError(live, "new");
  Commit(live, published);
  EXPECT_EQ(Scraped(published), 1);
  EXPECT_EQ(Scraped(published, "ERROR", "new"), 1) << "the second scrape since it came";
}

TEST(TallyServers, AreBounded) {
  Tally live(Builtin(), {.most_servers = 3});
  Tally published(Builtin(), {.most_servers = 3});
  for (const char* server : {"a", "b", "c", "d", "a", "c"}) CountError(live, server);
  Commit(live, published);
  published.MarkScraped();
  EXPECT_EQ(Scraped(published, "ERROR", "a"), 2);
  EXPECT_EQ(Scraped(published, "ERROR", "b"), 1);
  EXPECT_EQ(Scraped(published, "ERROR", "c"), -1);
  EXPECT_EQ(Scraped(published, "ERROR", "other"), 3);
  EXPECT_EQ(live.Server("e"), live.Server("other"));
  EXPECT_FALSE(published.Restore({"e", "@server", "traffic"}));
  EXPECT_TRUE(published.Restore({"b", "@server", "traffic"}));
  Tally one(Builtin(), {.most_servers = 1});
  EXPECT_EQ(one.Server("a"), one.Server("b"));
}

TEST(TallyServers, KeepAPlaceForOtherWhateverTheOrderOfRows) {
  Tally live(Builtin(), {.most_servers = 3});
  for (const char* server : {"a", "b", "c"}) CountError(live, server);
  std::vector<TallyRow> rows;
  live.Changes(Tally(Builtin(), {}), rows);
  Tally restored(Builtin(), {.most_servers = 3});
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) EXPECT_TRUE(restored.Restore(*row));
  EXPECT_EQ(Page(restored), Page(live));
}

TEST(TallyServers, HaveNamesThatMayStandOnAPage) {
  Tally tally(Builtin(), {});
  CountError(tally, "\xff\xfe" + std::string(5000, 'x'));
  CountError(tally, "\xff\xfe" + std::string(5000, 'x'));
  for (const std::string& line : Page(tally)) {
    EXPECT_TRUE(IsUtf8(line));
    EXPECT_LT(line.size(), 500U);
    if (line.starts_with("pg_log_messages_total") && line.find("severity=ERROR") != line.npos) {
      EXPECT_TRUE(line.ends_with(" 2")) << line;
    }
  }
}

TEST(TallyServers, CountLossesThatNoLineTells) {
  Tally tally(Builtin(), {});
  const std::string lost = "platform_log_lost_messages_total{server=db,reason=";
  const int server = tally.Server("db", true);
  for (const char* reason : {"l10", "l11", "count_mismatch"}) {
    EXPECT_EQ(Value(tally, lost + reason + "}"), 0);
  }
  tally.CountLost(server, LostReason::kCountMismatch, 0);
  tally.CountLost(server, LostReason::kCountMismatch, 7);
  Count(tally, Line(Severity::kNone,
                    "Error L10 (output buffer overflow): 491 messages dropped since "
                    "2014-11-07T23:29:45+00:00.",
                    Side::kPlatform));
  EXPECT_EQ(Value(tally, lost + "count_mismatch}"), 7);
  EXPECT_EQ(Value(tally, lost + "l10}"), 491);
}

}  // namespace
}  // namespace pgbeacon::log
