// The label `datname`: databases told apart, and all else exact beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tally_support.h"

namespace pgbeacon::log {
namespace {

Message LineOf(std::string_view database, Severity severity, std::string_view text) {
  Message message = Line(severity, text);
  message.database = database;
  return message;
}

// The page with the label `datname` summed away; gauges left out.
std::map<std::string, double> WithoutDatname(const Tally& tally) {
  std::map<std::string, double> out;
  for (const Family& family : tally.Collect(1000)) {
    for (const ClientMetric& metric : family.metric) {
      std::string series = family.name;
      for (const auto& label : metric.label) {
        if (label.name != "datname") series += " " + label.name + "=" + label.value;
      }
      if (family.type == MetricType::Histogram) {
        out[series + " count"] += static_cast<double>(metric.histogram.sample_count);
        out[series + " sum"] += metric.histogram.sample_sum;
        for (const auto& bucket : metric.histogram.bucket) {
          out[series + " le" + FormatDouble(bucket.upper_bound)] +=
              static_cast<double>(bucket.cumulative_count);
        }
      } else if (family.type == MetricType::Counter) {
        out[series] += metric.counter.value;
      }
    }
  }
  return out;
}

TEST(TallyByDatabase, TellsTheFirstDatabasesApart) {
  Tally tally(Builtin(), {.datname_limit = 2});
  for (const char* database : {"app", "app", "", "shop", "third", "app", "fourth", "other"}) {
    Count(tally, LineOf(database, Severity::kError, "relation \"t\" does not exist"));
    Count(tally, LineOf(database, Severity::kLog, "duration: 3000 ms  statement: a"));
  }
  const std::string errors = "pg_log_errors_total{server=db,datname=";
  const std::string rest = ",severity=ERROR,sqlstate=42P01}";
  EXPECT_EQ(Value(tally, errors + "app" + rest), 3);
  EXPECT_EQ(Value(tally, errors + "shop" + rest), 1);
  EXPECT_EQ(Value(tally, errors + rest), 1);
  EXPECT_EQ(Value(tally, errors + "other" + rest), 3);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,datname=app,severity=LOG}"), 3);
  EXPECT_EQ(
      Value(tally, "pg_log_events_total{server=db,datname=app,event=query_duration,class=query}"),
      3);
  EXPECT_EQ(Value(tally, "pg_log_long_statements_total{server=db,datname=other}"), 3);
  EXPECT_TRUE(Shows(
      tally, "pg_log_statement_duration_seconds{server=db,datname=shop,kind=statement} count=1"));
}

TEST(TallyByDatabase, BearsNoSeriesTwiceForADatabase) {
  Tally plain(Builtin(), {});
  Tally tally(Builtin(), {.datname_limit = 5});
  for (Tally* each : {&plain, &tally}) {
    each->Server("db");
    Count(*each, LineOf("app", Severity::kLog, "nobody knows this"));
  }
  EXPECT_EQ(Page(tally).size(), Page(plain).size() + 1) << "one message, one severity, one event";
  EXPECT_TRUE(Shows(tally, "pg_log_messages_total{server=db,datname=,severity=PANIC} 0"));
  EXPECT_FALSE(Shows(tally, "pg_log_messages_total{server=db,datname=app,severity=PANIC}"));
  EXPECT_FALSE(Shows(tally, "pg_log_events_total{server=db,datname=app,event=statement_timeout"));
}

TEST(TallyByDatabase, NamesNoDatabaseThatOnlyFatalMessagesCameFrom) {
  Tally tally(Builtin(), {.datname_limit = 2});
  for (int i = 0; i < 10; ++i) {
    const std::string guess = "guess" + std::to_string(i % 3);
    Count(tally, LineOf(guess, Severity::kFatal, "database \"guess\" does not exist"));
  }
  Count(tally, LineOf("app", Severity::kLog, "statement: a"));
  Count(tally, LineOf("guess0", Severity::kLog, "statement: a"));
  Count(tally, LineOf("guess0", Severity::kFatal, "terminating connection"));
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,datname=other,severity=FATAL}"), 10);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,datname=app,severity=LOG}"), 1);
  EXPECT_EQ(Value(tally, "pg_log_messages_total{server=db,datname=guess0,severity=FATAL}"), 1);
}

TEST(TallyByDatabase, SumsOverDatabasesToTheTotals) {
  std::mt19937 random(9);
  Tally plain(Builtin(), {});
  std::vector<Tally> parts;
  for (int i = 0; i < 3; ++i) parts.emplace_back(Builtin(), TallyOptions{.datname_limit = 3});
  const Severity severities[] = {Severity::kLog, Severity::kError, Severity::kFatal};
  const char* texts[] = {"duration: 2500.5 ms  statement: a",
                         "temporary file: path \"x\", size 12345678",
                         "process 1 acquired ShareLock on x after 12.5 ms", "nobody knows this"};
  for (int i = 0; i < 5'000; ++i) {
    std::string database = "db" + std::to_string(random() % 8);
    if (random() % 10 == 0) database = "";
    if (random() % 50 == 0) database = std::string("\xff\xfe") + std::string(200, 'x');
    Message message =
        LineOf(database, severities[random() % 3], texts[random() % std::size(texts)]);
    if (random() % 20 == 0) message.application = "pgbeacon";
    Count(plain, message);
    Count(parts[random() % 3], message);
  }
  Tally merged(Builtin(), {.datname_limit = 3});
  for (const Tally& part : parts) merged.Merge(part);
  std::map<std::string, double> expected = WithoutDatname(plain);
  for (const auto& [series, value] : WithoutDatname(merged)) {
    ASSERT_TRUE(expected.contains(series)) << series;
    EXPECT_NEAR(expected[series], value, 1e-6) << series;
    expected.erase(series);
  }
  EXPECT_TRUE(expected.empty()) << expected.begin()->first;
  ASSERT_EQ(merged.Events().size(), plain.Events().size());
  std::size_t databases = 0;
  for (const std::string& line : Page(merged)) {
    EXPECT_TRUE(IsUtf8(line));
    databases +=
        line.starts_with("pg_log_messages_total") && line.find("severity=LOG") != std::string::npos
            ? 1
            : 0;
  }
  EXPECT_EQ(databases, 5U) << "three, none and other";
}

}  // namespace
}  // namespace pgbeacon::log
