#include "exporter/fanout/line_time.h"

#include <gtest/gtest.h>

#include <string>

#include "base/clock.h"
#include "logparse/log_time.h"

namespace pgbeacon::fanout {
namespace {

struct Case {
  const char* printed;
  const char* formatted;
};

constexpr Case kCases[] = {
    {"2026-01-31T23:59:59.500000+00:00", "2026-01-31T23:59:59.500000+00:00"},
    {"2026-01-31T23:59:59Z", "2026-01-31T23:59:59.000000+00:00"},
    {"2026-01-31 23:59:59.488 UTC", "2026-01-31T23:59:59.488000+00:00"},
    {"2026-01-31 23:59:59.489 UTC", "2026-01-31T23:59:59.489000+00:00"},
    {"2026-01-31 23:59:59 UTC", "2026-01-31T23:59:59.000000+00:00"},
    {"2026-02-01T00:59:59.25+01:00", "2026-01-31T23:59:59.250000+00:00"},
    {"2026-02-01T00:59:59.999999999+01:00", "2026-01-31T23:59:59.999999+00:00"},
    {"2026-02-01T00:59:59.25+02:00", "2026-01-31T22:59:59.250000+00:00"},
    {"1769903999.5", "2026-01-31T23:59:59.500000+00:00"},
    {"2026-02-01T00:59:59.25+02:00", "2026-01-31T22:59:59.250000+00:00"},
};

TEST(LineTime, IsIsoInUtcWithMicroseconds) {
  LineTime together;
  for (const Case& example : kCases) {
    LineTime alone;
    EXPECT_EQ(alone.Format(example.printed), example.formatted) << example.printed;
    EXPECT_EQ(together.Format(example.printed), example.formatted) << example.printed;
  }
}

TEST(LineTime, IsNowWhereNoTimeIsKnown) {
  LineTime times;
  for (const char* printed :
       {"", "Jan 31 23:59:59", "2026-01-31 23:59:59 CST", "2026-13-31T23:59:59Z", "-5", "nan",
        "99999999999999999999", "2026-01-31T23:59:59.", "2026-01-31"}) {
    const std::string formatted(times.Format(printed));
    const auto read = log::ParseLogTime(formatted);
    ASSERT_TRUE(read) << printed << " -> " << formatted;
    EXPECT_NEAR(*read, UnixNow(), 5) << printed << " -> " << formatted;
  }
}

}  // namespace
}  // namespace pgbeacon::fanout
