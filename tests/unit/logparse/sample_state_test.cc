#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sample_support.h"

namespace pgbeacon::log {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows ChangesOf(const SampleStore& now, const SampleStore& since) {
  Rows rows;
  now.Changes(since, [&rows](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
  });
  return rows;
}

void ExpectSame(const SampleStore& a, const SampleStore& b) {
  EXPECT_EQ(Shown(a, 0), Shown(b, 0));
  EXPECT_EQ(Shown(a, 5000), Shown(b, 5000)) << "with what has expired";
  EXPECT_EQ(a.dropped(), b.dropped());
  EXPECT_EQ(a.unread(), b.unread());
  EXPECT_TRUE(ChangesOf(a, b).empty());
}

TEST(SampleState, MakesACopyEqualByTheRowsOfEachStep) {
  std::mt19937 random(5);
  SampleStore live;
  SampleStore copy;
  Rows all;
  double now = 1000;
  for (int step = 0; step < 300; ++step) {
    for (int i = static_cast<int>(random() % 4); i > 0; --i) {
      const std::string source = "source=s" + std::to_string(random() % 400);
      live.Take(Specs(),
                source + " addon=\"a b\\\t\" sample#tables=" + std::to_string(random() % 9) +
                    " sample#k" + std::to_string(random() % 5) + "=0.1kB count#\\c=0." +
                    std::to_string(random()) + " measure#m\xff=" + std::to_string(random()) +
                    "us sample#bad=x",
                now);
    }
    now += static_cast<double>(random() % 5);
    const Rows rows = ChangesOf(live, copy);
    for (const auto& [key, value] : rows) ASSERT_TRUE(copy.Restore(key, value)) << key;
    all.insert(all.end(), rows.begin(), rows.end());
  }
  ExpectSame(live, copy);
  EXPECT_GT(live.dropped(), 0U);
  std::map<std::string, std::string> last;  // as a database keeps them, in no order of time
  for (const auto& [key, value] : all) last[key] = value;
  SampleStore loaded;
  for (const auto& [key, value] : last) EXPECT_TRUE(loaded.Restore(key, value)) << key;
  ExpectSame(live, loaded);
}

TEST(SampleState, KeepsTheTimesByWhichSamplesExpire) {
  SampleStore live;
  live.Take(Specs(), "source=A sample#tables=1", 1000);
  live.Take(Specs(), "source=A sample#tables=2", 1010);
  SampleStore loaded;
  for (const auto& [key, value] : ChangesOf(live, {})) EXPECT_TRUE(loaded.Restore(key, value));
  EXPECT_TRUE(Shown(loaded, 1040).contains("pg_sample_tables source=A addon="));
  EXPECT_FALSE(Shown(loaded, 1041).contains("pg_sample_tables source=A addon="));
  loaded.Take(Specs(), "source=A sample#tables=3", 1050);
  EXPECT_EQ(Shown(loaded, 1110).at("pg_sample_tables source=A addon="), 3);
}

TEST(SampleState, KeepsSumsExactly) {
  SampleStore live;
  for (int i = 0; i < 1000; ++i) {
    live.Take(Specs(), "count#a=90000000000000.1 count#b=0.1 count#c=123456789.123456789", 0);
  }
  SampleStore loaded;
  for (const auto& [key, value] : ChangesOf(live, {})) EXPECT_TRUE(loaded.Restore(key, value));
  ExpectSame(live, loaded);
}

TEST(SampleState, ReadsAsText) {
  SampleStore live;
  live.Take(Specs(), "source=A addon=pg-1 sample#tables=38 count#c=2", 1000);
  const Rows expected = {{"source{source=\"A\",addon=\"pg-1\"}", "1000"},
                         {"sample{source=\"A\",addon=\"pg-1\",key=\"tables\"}", "38 1000 60"},
                         {"count{source=\"A\",key=\"c\"}", "2"},
                         {"totals", "1 0 0"}};
  EXPECT_EQ(ChangesOf(live, {}), expected);
}

TEST(SampleState, RefusesGarbage) {
  SampleStore store;
  store.Take(Specs(), "source=A sample#tables=1", 1000);
  const std::map<std::string, double> before = Shown(store, 1000);
  const std::string sample = "sample{source=\"A\",addon=\"\",key=\"tables\"}";
  const std::string source = "source{source=\"A\",addon=\"\"}";
  const std::string count = "count{source=\"A\",key=\"c\"}";
  const std::string measure = "measure{source=\"A\",key=\"m\"}";
  for (const auto& [key, value] : Rows{{"", ""},
                                       {"x", "1"},
                                       {"totals", ""},
                                       {"totals", "1 2"},
                                       {"totals", "1 2 -3"},
                                       {"totals", "1 2 0.5"},
                                       {"totals{source=\"A\"}", "1 2 3"},
                                       {"source", "1"},
                                       {"source{source=\"A\"}", "1"},
                                       {source, "x"},
                                       {source, "-1"},
                                       {source, "inf"},
                                       {source + "x", "1"},
                                       {sample, "1 2"},
                                       {sample, "nan 2 60"},
                                       {sample, "1 2 0"},
                                       {sample, "1 -2 60"},
                                       {"sample{source=\"A\",addon=\"\",key=\"\"}", "1 2 60"},
                                       {"sample{source=\"A\",key=\"x\"}", "1 2 60"},
                                       {count, ""},
                                       {count, "-1"},
                                       {count, "1e3"},
                                       {count, "1 2"},
                                       {measure, "1 0 1 1"},
                                       {measure, "1"}}) {
    EXPECT_FALSE(store.Restore(key, value)) << key << " -> " << value;
  }
  EXPECT_EQ(Shown(store, 1000), before);
}

}  // namespace
}  // namespace pgbeacon::log
