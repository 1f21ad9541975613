#include "exporter/own_log/repeats.h"

#include <gtest/gtest.h>

#include <string>

namespace pgbeacon::own_log {
namespace {

constexpr int kWarn = 3;

std::uint64_t AdmittedOf(Repeats& repeats, int lines, TimePoint now) {
  std::uint64_t admitted = 0;
  for (int i = 0; i < lines; ++i) admitted += repeats.Admit(kWarn, "gone", now) ? 1 : 0;
  return admitted;
}

TEST(Repeats, LetsAFewOfALineThroughEachMinuteAndCountsTheOthers) {
  Repeats repeats;
  const TimePoint start;
  EXPECT_EQ(AdmittedOf(repeats, 40, start), Repeats::kPerWindow);
  EXPECT_TRUE(repeats.Take(start + Repeats::kWindow - std::chrono::seconds(1)).empty());
  const auto held = repeats.Take(start + Repeats::kWindow);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].level, kWarn);
  EXPECT_EQ(held[0].Text(), "held back 35 repeats of: gone");
  EXPECT_EQ(AdmittedOf(repeats, 40, start + Repeats::kWindow), Repeats::kPerWindow);
}

TEST(Repeats, KeepsLinesApartByLevelAndText) {
  Repeats repeats;
  const TimePoint now;
  AdmittedOf(repeats, 40, now);
  EXPECT_TRUE(repeats.Admit(kWarn + 1, "gone", now));
  EXPECT_TRUE(repeats.Admit(kWarn, "back", now));
  EXPECT_FALSE(repeats.Admit(kWarn, "gone", now));
}

TEST(Repeats, TellsNothingOfWhatWasNotHeldBack) {
  Repeats repeats;
  AdmittedOf(repeats, 3, {});
  EXPECT_TRUE(repeats.Take(TimePoint() + Repeats::kWindow).empty());
}

TEST(Repeats, RemembersABoundedNumberAndWritesTheRest) {
  Repeats repeats;
  for (std::size_t i = 0; i < 2 * Repeats::kMostLines; ++i) {
    EXPECT_TRUE(repeats.Admit(kWarn, std::to_string(i), {}));
  }
  for (std::uint64_t i = 0; i < 2 * Repeats::kPerWindow; ++i) {
    EXPECT_TRUE(repeats.Admit(kWarn, "one more", {}));
  }
}

}  // namespace
}  // namespace pgbeacon::own_log
