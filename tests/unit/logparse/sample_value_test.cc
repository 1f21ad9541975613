#include "logparse/sample_value.h"

#include <gtest/gtest.h>

#include <optional>

namespace pgbeacon::log {
namespace {

TEST(SampleValue, ReadsNumbersLeniently) {
  const struct {
    const char* text;
    double expected;
  } cases[] = {
      {"7", 7},
      {"-5", -5},
      {"+5", 5},
      {".5", 0.5},
      {"1e3", 1000},
      {"1e-2ms", 1e-5},
      {"15405636.0kB", 15405636.0 * 1024},
      {"61229240bytes", 61229240},
      {"5B", 5},
      {"2KB", 2048},
      {"1.5MB", 1572864},
      {"3GB", 3221225472},
      {"2TB", 2199023255552},
      {"20us", 20e-6},
      {"250ms", 0.25},
      {"30s", 30},
      {"5m", 300},
      {"2h", 7200},
      {"348836pages", 348836},
      {"12%", 0.12},
      {"0.99999", 0.99999},
  };
  for (const auto& c : cases) {
    const std::optional<SampleValue> read = ReadSampleValue(c.text);
    ASSERT_TRUE(read) << c.text;
    EXPECT_EQ(read->value, c.expected) << c.text;
  }
}

TEST(SampleValue, RefusesWhatIsNoFiniteNumberOfAKnownUnit) {
  for (const char* text : {"", "x", "kB", "nan", "inf", "-inf", "NaN", "1e999", "1e308TB", "1e",
                           "5parsecs", "--5", "+-5", "5 kB", "0x10", "1,5"}) {
    EXPECT_FALSE(ReadSampleValue(text)) << text;
  }
}

TEST(SampleValue, IsScaledWhereItHasNoUnit) {
  const SampleSpec spec = {
      .key = "avg_query", .metric = "pg_sample_avg_query_seconds", .scale = 0.000001};
  EXPECT_EQ(ToBaseUnit(*ReadSampleValue("1500"), spec), 0.0015);
  EXPECT_EQ(ToBaseUnit(*ReadSampleValue("1500ms"), spec), 1.5);
  EXPECT_EQ(ToBaseUnit(*ReadSampleValue("1500kB"), spec), std::nullopt);
}

}  // namespace
}  // namespace pgbeacon::log
