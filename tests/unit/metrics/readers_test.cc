// What other programs make of our pages. Tests of a program that is not installed are skipped.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/unit/metrics/page_support.h"

namespace pgbeacon::metrics {
namespace {

/// Random pages of the format, separated by a byte 0; `first` and `count` are seeds.
std::string RandomPages(Format format, unsigned first, unsigned count, bool colliding) {
  std::string pages;
  for (unsigned seed = first; seed < first + count; ++seed) {
    if (!pages.empty()) pages += '\0';
    WritePage(format, RandomPage(seed).Make(colliding), pages);
  }
  return pages;
}

TEST(PythonClient, ReadsOpenMetricsWhateverNamesCollide) {
  if (!HasPythonClient()) GTEST_SKIP() << "python3-prometheus-client is not installed";
  for (const bool colliding : {false, true}) {
    const Outcome outcome =
        ReadWithPython(Format::kOpenMetrics, RandomPages(Format::kOpenMetrics, 1, 2000, colliding));
    EXPECT_EQ(outcome.status, 0) << outcome.output.substr(0, 3000);
  }
}

TEST(PythonClient, ReadsTextWhateverNamesCollide) {
  if (!HasPythonClient()) GTEST_SKIP() << "python3-prometheus-client is not installed";
  const Outcome outcome = ReadWithPython(Format::kText, RandomPages(Format::kText, 1, 2000, true));
  EXPECT_EQ(outcome.status, 0) << outcome.output.substr(0, 3000);
}

std::string Promtool() {
  const char* named = std::getenv("PROMTOOL");
  return named != nullptr ? named : "/usr/bin/promtool";
}
bool HasPromtool() { return access(Promtool().c_str(), X_OK) == 0; }

TEST(Promtool, FindsNothingToSayOfACleanPage) {
  if (!HasPromtool()) GTEST_SKIP() << "promtool is not installed";
  Families families;
  AddSample(AddFamily(families, "pg_events_total", MetricType::Counter, "A \"b\" \\ c\nd."),
            {{"l", "\"\\\n\xFF"}}, 1e18);
  AddSample(AddFamily(families, "pg_cache_ratio", MetricType::Gauge, "B."), {},
            std::numeric_limits<double>::quiet_NaN());
  AddHistogram(AddFamily(families, "pg_wait_seconds", MetricType::Histogram, "C."), {{"db", "a"}},
               {0.1, 1}, {1, 2, 3}, 4.5);
  Normalize(families);
  const Outcome outcome = RunOn(Promtool() + " check metrics", Page(Format::kText, families));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output, "");
}

TEST(Promtool, ParsesPagesWithCollidingNames) {
  if (!HasPromtool()) GTEST_SKIP() << "promtool is not installed";
  for (unsigned seed = 0; seed < 25; ++seed) {
    std::string page;
    WritePage(Format::kText, RandomPage(seed).Make(true), page);
    const Outcome outcome = RunOn(Promtool() + " check metrics", page);
    EXPECT_EQ(outcome.output.find("error while linting"), std::string::npos)
        << outcome.output << page;
    EXPECT_NE(outcome.status, 1) << outcome.output << page;  // 3: lint has something to say
  }
}

}  // namespace
}  // namespace pgbeacon::metrics
