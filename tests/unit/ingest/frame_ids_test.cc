#include "exporter/ingest/frame_ids.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgbeacon::ingest {
namespace {

constexpr double kNow = 1'790'000'000;

std::vector<state::Row> ChangesOf(FrameIds& ids) {
  std::vector<state::Row> rows;
  ids.Changes(rows);
  return rows;
}

TEST(FrameIds, KnowsAFrameThatComesAgain) {
  FrameIds ids;
  EXPECT_FALSE(ids.Begin("a", "F1", {.messages = 5, .lost = 0}, kNow));
  const auto again = ids.Begin("a", "F1", {.messages = 6, .lost = 491}, kNow + 5);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->messages, 5U);
  EXPECT_EQ(again->lost, 0U);
  const auto third = ids.Begin("a", "F1", {.messages = 6, .lost = 491}, kNow + 10);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->lost, 491U);
}

TEST(FrameIds, KeepsDrainsApart) {
  FrameIds ids;
  EXPECT_FALSE(ids.Begin("a", "F1", {.messages = 1}, kNow));
  EXPECT_FALSE(ids.Begin("b", "F1", {.messages = 1}, kNow));
  EXPECT_TRUE(ids.Begin("b", "F1", {.messages = 1}, kNow));
}

TEST(FrameIds, ForgetsAfterFifteenMinutesAndRemovesTheRow) {
  FrameIds ids;
  ids.Begin("a", "F1", {.messages = 1}, kNow);
  ChangesOf(ids);
  EXPECT_TRUE(ids.Begin("a", "F1", {.messages = 1}, kNow + 15 * 60));
  EXPECT_FALSE(ids.Begin("a", "F2", {.messages = 1}, kNow + 15 * 60 + 1));
  std::vector<state::Row> rows = ChangesOf(ids);
  ASSERT_EQ(rows.size(), 2U);
  const state::Row& removed = rows[rows[0].key == "F1" ? 0 : 1];
  EXPECT_EQ(removed.table, state::Table::kFrames);
  EXPECT_EQ(removed.owner, "a");
  EXPECT_EQ(removed.key, "F1");
  EXPECT_FALSE(removed.value);
  EXPECT_EQ(ids.evicted(), 0U);
}

TEST(FrameIds, StaysWithinItsBoundAndCountsWhatItForgets) {
  FrameIds ids(100);
  for (int i = 0; i < 250; ++i) {
    ids.Begin("a", std::to_string(i), {.messages = 1}, kNow + i / 100.0);
  }
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(ids.evicted(), 150U);
  EXPECT_TRUE(ids.Begin("a", "249", {.messages = 1}, kNow + 3));
  EXPECT_FALSE(ids.Begin("a", "0", {.messages = 1}, kNow + 3));
}

TEST(FrameIds, RowsOfOneRunAreKnownInTheNext) {
  FrameIds first;
  first.Begin("a", "F1", {.messages = 3, .lost = 12}, kNow);
  first.Begin("b", "F2", {.messages = 1}, kNow + 100);
  FrameIds second;
  for (const state::Row& row : ChangesOf(first)) EXPECT_TRUE(second.Restore(row));
  EXPECT_TRUE(ChangesOf(second).empty()) << "what was restored is on disk already";
  const auto known = second.Begin("a", "F1", {.messages = 4, .lost = 12}, kNow + 800);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->messages, 3U);
  EXPECT_EQ(known->lost, 12U);
  EXPECT_FALSE(second.Begin("a", "F3", {.messages = 1}, kNow + 901)) << "expires F1 alone";
  EXPECT_FALSE(second.Begin("a", "F1", {.messages = 1}, kNow + 902));
  EXPECT_TRUE(second.Begin("b", "F2", {.messages = 1}, kNow + 903));
}

TEST(FrameIds, RefusesMalformedRows) {
  FrameIds ids;
  for (const char* value : {"", "1 2", "1 2 x", "a 2 3", "1 2 3 4", "-1 0 3", "1 0 1.5"}) {
    EXPECT_FALSE(ids.Restore({state::Table::kFrames, "a", "F1", value})) << value;
  }
  EXPECT_FALSE(ids.Restore({state::Table::kFrames, "a", "F1", std::nullopt}));
  EXPECT_EQ(ids.size(), 0U);
}

TEST(FrameIds, TellsEachChangeOnce) {
  FrameIds ids;
  ids.Begin("a", "F1", {.messages = 1}, kNow);
  EXPECT_EQ(ChangesOf(ids).size(), 1U);
  ids.Begin("a", "F1", {.messages = 1}, kNow + 1);
  EXPECT_TRUE(ChangesOf(ids).empty());
  ids.Begin("a", "F1", {.messages = 2, .lost = 7}, kNow + 2);
  const std::vector<state::Row> rows = ChangesOf(ids);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].value, "2 7 1790000000");
}

}  // namespace
}  // namespace pgbeacon::ingest
