#include "logparse/log_time.h"

#include <gtest/gtest.h>

#include <optional>

namespace pgbeacon::log {
namespace {

TEST(LogTime, IsReadWhereItsZoneIsKnown) {
  const struct {
    const char* text;
    std::optional<double> expected;
  } cases[] = {
      {"2022-08-25T12:00:00.5+00:00", 1661428800.5},
      {"2022-08-25 12:00:00.500 UTC", 1661428800.5},
      {"2022-08-25 14:00:00 +0200", 1661428800},
      {"2022-08-25T06:30:00-05:30", 1661428800},
      {"2022-08-25 12:00:00Z", 1661428800},
      {"1661428800.250", 1661428800.25},
      {"2022-08-25 14:00:00.5 CEST", 1661428800.5},
      {"2022-08-25 08:30:00 NST", 1661428800},
      {"2022-08-25 12:00:00 CST", std::nullopt},  // of three continents
      {"2022-08-25 12:00:00", std::nullopt},
      {"2022-02-30 12:00:00 UTC", std::nullopt},
      {"2022-08-25 12:00", std::nullopt},
      {"Aug 25 12:00:00", std::nullopt},
      {"", std::nullopt},
      {"-5", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseLogTime(c.text), c.expected) << c.text;
}

}  // namespace
}  // namespace pgbeacon::log
