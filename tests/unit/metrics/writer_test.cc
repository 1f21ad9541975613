#include "exporter/metrics/writer.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "base/text.h"
#include "tests/unit/metrics/page_support.h"

namespace pgbeacon::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string Both(const Families& families) {
  const std::string text = Page(Format::kText, families);
  EXPECT_EQ(Page(Format::kOpenMetrics, families), text + "# EOF\n");
  return text;
}

TEST(WritePage, WritesAGaugeAlikeInBothFormats) {
  Families families;
  Family& up = AddFamily(families, "pg_up", MetricType::Gauge, "Whether the server answered.");
  AddSample(up, {}, 1);
  AddSample(up, {{"server", "a"}, {"db", "b"}}, 0.25);
  EXPECT_EQ(Both(families),
            "# HELP pg_up Whether the server answered.\n# TYPE pg_up gauge\n"
            "pg_up 1\npg_up{server=\"a\",db=\"b\"} 0.25\n");
}

TEST(WritePage, AnEmptyPageIsValid) {
  EXPECT_EQ(Page(Format::kText, {}), "");
  EXPECT_EQ(Page(Format::kOpenMetrics, {}), "# EOF\n");
}

TEST(WritePage, OmitsFamiliesWithoutSamples) {
  Families families;
  AddFamily(families, "a", MetricType::Gauge, "help");
  EXPECT_EQ(Both(families), "");
}

TEST(WritePage, EscapesLabelValues) {
  Families families;
  AddSample(AddFamily(families, "a", MetricType::Gauge, ""),
            {{"l", "q\" b\\ n\n t\t \xC3\xA9 \xFF"}}, 1);
  EXPECT_EQ(Both(families),
            "# TYPE a gauge\na{l=\"q\\\" b\\\\ n\\n t\t \xC3\xA9 \xEF\xBF\xBD\"} 1\n");
}

TEST(WritePage, EscapesQuotesInHelpOnlyInOpenMetrics) {
  Families families;
  AddSample(AddFamily(families, "a", MetricType::Gauge, "q\" b\\ n\n\xFF"), {}, 1);
  EXPECT_EQ(Page(Format::kText, families),
            "# HELP a q\" b\\\\ n\\n\xEF\xBF\xBD\n# TYPE a gauge\na 1\n");
  EXPECT_EQ(Page(Format::kOpenMetrics, families),
            "# HELP a q\\\" b\\\\ n\\n\xEF\xBF\xBD\n# TYPE a gauge\na 1\n# EOF\n");
}

TEST(WritePage, WritesSpecialValuesAndBigCounters) {
  Families families;
  Family& family = AddFamily(families, "a", MetricType::Gauge, "");
  AddSample(family, {{"v", "nan"}}, kNan);
  AddSample(family, {{"v", "inf"}}, kInfinity);
  AddSample(family, {{"v", "neg"}}, -kInfinity);
  AddSample(AddFamily(families, "b_total", MetricType::Counter, ""), {}, 9007199254740993.0 * 128);
  const std::string text = Page(Format::kText, families);
  EXPECT_NE(text.find("a{v=\"nan\"} NaN\na{v=\"inf\"} +Inf\na{v=\"neg\"} -Inf\n"),
            std::string::npos);
  EXPECT_NE(text.find("b_total 1152921504606846976\n"), std::string::npos) << text;
}

TEST(WritePage, WritesHistogramsWithTheSameBoundsInBothFormats) {
  Families families;
  Family& family = AddFamily(families, "h_seconds", MetricType::Histogram, "H.");
  AddHistogram(family, {{"db", "a"}}, {0.005, 1, 2.5}, {1, 0, 2, 1}, 17.5);
  EXPECT_EQ(Both(families),
            "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
            "h_seconds_bucket{db=\"a\",le=\"0.005\"} 1\nh_seconds_bucket{db=\"a\",le=\"1\"} 1\n"
            "h_seconds_bucket{db=\"a\",le=\"2.5\"} 3\nh_seconds_bucket{db=\"a\",le=\"+Inf\"} 4\n"
            "h_seconds_sum{db=\"a\"} 17.5\nh_seconds_count{db=\"a\"} 4\n");
}

TEST(WritePage, WritesSummaries) {
  Families families;
  Family& family = AddFamily(families, "s", MetricType::Summary, "");
  ClientMetric& metric = family.metric.emplace_back();
  metric.summary.quantile = {{0.5, 1}, {0.99, kNan}};
  metric.summary.sample_sum = 3;
  metric.summary.sample_count = 2;
  EXPECT_EQ(
      Both(families),
      "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.99\"} NaN\ns_sum 3\ns_count 2\n");
}

TEST(WritePage, WritesTimestampsInEachFormatsUnit) {
  Families families;
  Family& family = AddFamily(families, "a", MetricType::Gauge, "");
  AddSample(family, {}, 1).timestamp_ms = 1700000000007;
  AddSample(family, {{"l", "1"}}, 1).timestamp_ms = -1500;
  EXPECT_EQ(Page(Format::kText, families),
            "# TYPE a gauge\na 1 1700000000007\na{l=\"1\"} 1 -1500\n");
  EXPECT_EQ(Page(Format::kOpenMetrics, families),
            "# TYPE a gauge\na 1 1700000000.007\na{l=\"1\"} 1 -1.500\n# EOF\n");
}

TEST(WritePage, LeavesOutAndCountsWhatHasNoValidName) {
  Families families;
  AddSample(AddFamily(families, "bad name", MetricType::Gauge, ""), {}, 1);
  Family& family = AddFamily(families, "good", MetricType::Gauge, "");
  AddSample(family, {{"a-b", "1"}}, 1);
  AddSample(family, {{"a", "1"}, {"a", "2"}}, 2);
  AddSample(family, {{"__name__", "1"}}, 3);
  AddSample(family, {{"a", "1"}}, 4);
  AddHistogram(AddFamily(families, "h", MetricType::Histogram, ""), {{"le", "x"}}, {1}, {1, 0}, 1);
  std::string out;
  EXPECT_EQ(WritePage(Format::kText, families, out), 5U);
  EXPECT_EQ(out, "# TYPE good gauge\ngood{a=\"1\"} 4\n");
}

TEST(WritePage, AppendsToWhatIsThere) {
  std::string out = "x\n";
  WritePage(Format::kOpenMetrics, {}, out);
  EXPECT_EQ(out, "x\n# EOF\n");
}

/// The type lines of a page in OpenMetrics.
std::set<std::string> Types(const std::string& page) {
  std::set<std::string> types;
  for (const std::string& line : Split(page, '\n')) {
    if (line.starts_with("# TYPE ")) types.insert(line.substr(7));
  }
  return types;
}

TEST(OpenMetrics, CountersLoseTheirSuffixInMetadataOnly) {
  Families families;
  AddSample(AddFamily(families, "a_total", MetricType::Counter, "A."), {}, 1);
  EXPECT_EQ(Page(Format::kOpenMetrics, families),
            "# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n");
}

TEST(OpenMetrics, CompatibilityCountersAndTheirTwinsAreUnknown) {
  Families families;
  AddSample(AddFamily(families, "a", MetricType::Counter, ""), {}, 1);
  AddSample(AddFamily(families, "a_total", MetricType::Counter, ""), {}, 1);
  AddSample(AddFamily(families, "b", MetricType::Counter, ""), {}, 1);
  AddSample(AddFamily(families, "c", MetricType::Untyped, ""), {}, 1);
  AddSample(AddFamily(families, "d", MetricType::Gauge, ""), {}, 1);
  AddSample(AddFamily(families, "d_total", MetricType::Counter, ""), {}, 1);
  EXPECT_EQ(Types(Page(Format::kOpenMetrics, families)),
            (std::set<std::string>{"a unknown", "a_total unknown", "b unknown", "c unknown",
                                   "d gauge", "d_total unknown"}));
  EXPECT_EQ(Types(Page(Format::kText, families)),
            (std::set<std::string>{"a counter", "a_total counter", "b counter", "c untyped",
                                   "d gauge", "d_total counter"}));
}

TEST(OpenMetrics, FamiliesWithValuesItForbidsAreUnknown) {
  Families families;
  AddSample(AddFamily(families, "a_total", MetricType::Counter, ""), {}, kNan);
  AddSample(AddFamily(families, "b_total", MetricType::Counter, ""), {}, -1);
  AddHistogram(AddFamily(families, "h", MetricType::Histogram, ""), {}, {-1, 1}, {1, 1, 1}, -5);
  EXPECT_EQ(Types(Page(Format::kOpenMetrics, families)),
            (std::set<std::string>{"a_total unknown", "b_total unknown", "h_bucket unknown",
                                   "h_count unknown", "h_sum unknown"}));
}

TEST(WritePage, SplitsAHistogramWhoseSeriesAnotherFamilyHas) {
  Families families;
  AddHistogram(AddFamily(families, "h", MetricType::Histogram, "H."), {}, {1}, {1, 1}, 5);
  AddSample(AddFamily(families, "h_count", MetricType::Gauge, "C."), {{"db", "a"}}, 7);
  EXPECT_EQ(
      Page(Format::kText, families),
      "# HELP h_bucket H.\n# TYPE h_bucket untyped\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
      "# HELP h_count H.\n# TYPE h_count untyped\nh_count 2\nh_count{db=\"a\"} 7\n"
      "# HELP h_sum H.\n# TYPE h_sum untyped\nh_sum 5\n");
}

TEST(WritePage, CountsTheSamplesThatASplitDoubles) {
  Families families;
  AddHistogram(AddFamily(families, "h", MetricType::Histogram, ""), {}, {1}, {1, 1}, 5);
  AddSample(AddFamily(families, "h_count", MetricType::Gauge, ""), {}, 7);
  std::string out;
  EXPECT_EQ(WritePage(Format::kOpenMetrics, families, out), 1U);
}

/// A line of either writer in one form: the oracle prints "Nan" and 16 digits.
std::string Canonical(const std::string& line) {
  const std::size_t value_at = line.find_last_of(' ') + 1;
  if (line.starts_with('#') || value_at == 0) return line;
  const std::string value = line.substr(value_at);
  const auto number = ParseDouble(value);
  if (!number || std::isinf(*number)) return line;
  std::ostringstream shortened;
  shortened.precision(15);
  shortened << *number;
  return line.substr(0, value_at) + shortened.str();
}

/// Sorted: the oracle puts a histogram's sum and count before its buckets.
std::vector<std::string> CanonicalLines(std::string page) {
  for (std::size_t at; (at = page.find(" Nan ")) != std::string::npos;)
    page.replace(at, 5, " NaN ");
  std::vector<std::string> lines;
  for (const std::string& line : Split(page, '\n')) lines.push_back(Canonical(line));
  std::ranges::sort(lines);
  return lines;
}

TEST(WritePage, EqualsPrometheusCppOnRandomPages) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    Families families = RandomPage(seed).Make(false);
    for (Family& family : families) {
      if (family.help.find('\n') != std::string::npos) family.help = "The oracle does not escape.";
      for (ClientMetric& metric : family.metric) {
        for (auto& label : metric.label) label.value = ToUtf8(label.value);
      }
    }
    ASSERT_EQ(CanonicalLines(Page(Format::kText, families)),
              CanonicalLines(prometheus::TextSerializer().Serialize(families)))
        << "seed " << seed;
  }
}

TEST(WritePage, IsUtf8WhateverTheFamiliesHold) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::string page;
    const Families families = RandomPage(seed).Make(true);
    WritePage(Format::kOpenMetrics, families, page);
    WritePage(Format::kText, families, page);
    EXPECT_TRUE(IsUtf8(page));
  }
}

}  // namespace
}  // namespace pgbeacon::metrics
