#include "exporter/http/date.h"

#include <gtest/gtest.h>

namespace pgbeacon::http {
namespace {

TEST(HttpDate, IsWrittenAsTheStandardShows) {
  using std::chrono::seconds;
  using Clock = std::chrono::system_clock;
  EXPECT_EQ(HttpDate(Clock::time_point(seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(Clock::time_point(seconds(0))), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(Clock::time_point(std::chrono::milliseconds(1709251199999))),
            "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace pgbeacon::http
