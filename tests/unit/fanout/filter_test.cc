#include "exporter/fanout/filter.h"

#include <gtest/gtest.h>

#include "tests/unit/fanout/hub_support.h"

namespace pgbeacon::fanout {
namespace {

Entry Line(std::string_view server, std::string_view process) {
  Entry entry;
  entry.server = server;
  entry.source = "app";
  entry.process = process;
  return entry;
}

TEST(Filter, TakesAProcessAndItsInstances) {
  Filter filter;
  filter.process = "postgres";
  EXPECT_TRUE(filter.Takes(Line("a", "postgres")));
  EXPECT_TRUE(filter.Takes(Line("a", "postgres.4711")));
  EXPECT_FALSE(filter.Takes(Line("a", "postgresql")));
  EXPECT_FALSE(filter.Takes(Line("a", "heroku-postgres")));
  EXPECT_FALSE(filter.Takes(Line("a", "")));
  filter.process = "postgres.4711";
  EXPECT_TRUE(filter.Takes(Line("a", "postgres.4711")));
  EXPECT_FALSE(filter.Takes(Line("a", "postgres.47")));
}

TEST(Filter, TakesAServerThatIsWantedAndAllowed) {
  Filter filter;
  filter.servers = {"orders", "bill*"};
  filter.allowed = {"orders", "team-*"};
  EXPECT_TRUE(filter.Takes(Line("orders", "")));
  EXPECT_FALSE(filter.Takes(Line("billing", "")));
  EXPECT_FALSE(filter.Takes(Line("team-1", "")));
  filter.servers.clear();
  EXPECT_TRUE(filter.Takes(Line("team-1", "")));
}

TEST(Filter, TakesTheSourceAsItIs) {
  Filter filter;
  filter.source = "app";
  EXPECT_TRUE(filter.Takes(Line("a", "web.1")));
  filter.source = "ap";
  EXPECT_FALSE(filter.Takes(Line("a", "web.1")));
}

TEST(Filter, TakesWhatIsAsSevereOrWorse) {
  Filter filter;
  filter.at_least = log::Severity::kWarning;
  Entry entry = Line("a", "");
  for (const auto severity : {log::Severity::kWarning, log::Severity::kError, log::Severity::kFatal,
                              log::Severity::kPanic}) {
    entry.severity = severity;
    EXPECT_TRUE(filter.Takes(entry)) << log::SeverityName(severity);
  }
  for (const auto severity : {log::Severity::kLog, log::Severity::kInfo, log::Severity::kNotice,
                              log::Severity::kDebug, log::Severity::kNone}) {
    entry.severity = severity;
    EXPECT_FALSE(filter.Takes(entry)) << log::SeverityName(severity);
  }
}

}  // namespace
}  // namespace pgbeacon::fanout
