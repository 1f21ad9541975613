#include "exporter/http/scrape_timeout.h"

#include <gtest/gtest.h>

#include <chrono>

namespace pgbeacon::http {
namespace {

using namespace std::chrono_literals;

TEST(ScrapeBudget, LeavesHalfASecondForTheWayBack) {
  EXPECT_EQ(ScrapeBudget("10", 1min), 9500ms);
  EXPECT_EQ(ScrapeBudget(" 1.5 ", 1min), 1s);
  EXPECT_EQ(ScrapeBudget("15.000000", 1min), 14500ms);
}

TEST(ScrapeBudget, IsAtLeastHalfOfAShortTimeout) {
  EXPECT_EQ(ScrapeBudget("1", 1min), 500ms);
  EXPECT_EQ(ScrapeBudget("0.5", 1min), 250ms);
}

TEST(ScrapeBudget, FallsBackWithoutASensibleHeader) {
  for (const char* header : {"", "x", "10s", "0", "-1", "nan", "inf", "1e300", "86401", "10,10"}) {
    EXPECT_EQ(ScrapeBudget(header, 1min), 1min) << header;
  }
}

}  // namespace
}  // namespace pgbeacon::http
