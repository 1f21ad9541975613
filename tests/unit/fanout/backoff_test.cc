#include "exporter/fanout/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pgbeacon::fanout {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToItsBoundAndBeginsAgain) {
  Backoff backoff(milliseconds(100), milliseconds(1000), 7);
  for (int round = 0; round < 2; ++round) {
    milliseconds most(100);
    for (int i = 0; i < 20; ++i) {
      const milliseconds pause = backoff.Next();
      EXPECT_GE(pause, most / 2);
      EXPECT_LE(pause, most);
      most = std::min(2 * most, milliseconds(1000));
    }
    backoff.Reset();
  }
}

TEST(Backoff, PartsThoseWhoFailedTogether) {
  Backoff one(milliseconds(10'000), milliseconds(10'000), 1);
  Backoff other(milliseconds(10'000), milliseconds(10'000), 2);
  int apart = 0;
  for (int i = 0; i < 10; ++i) apart += one.Next() != other.Next() ? 1 : 0;
  EXPECT_GT(apart, 5);
}

}  // namespace
}  // namespace pgbeacon::fanout
