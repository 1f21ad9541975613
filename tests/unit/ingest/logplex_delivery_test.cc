#include "exporter/ingest/logplex_delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgbeacon::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kNow = 1'790'000'000;

std::string Counted(const std::string& message) {
  return std::to_string(message.size()) + " " + message;
}

std::string Line(const std::string& text) {
  return "<134>1 2026-11-20T20:14:23.488512+00:00 host app postgres.4711 - " + text;
}

/// As Logplex prepends it: without a line feed.
std::string L10(int messages) {
  return "<172>1 2026-11-20T20:14:25+00:00 host heroku logplex - Error L10 (output buffer "
         "overflow): " +
         std::to_string(messages) + " messages dropped since 2026-11-20T20:14:20+00:00.";
}

class LogplexDelivery : public testing::Test {
 protected:
  DeliveryCount Take(const std::vector<std::string>& messages, const std::string& id = "F1") {
    Delivery delivery;
    delivery.server = "orders";
    delivery.drain = "0123456789abcdef";
    delivery.frame_id = id;
    delivery.messages = told_.value_or(messages.size());
    for (const std::string& message : messages) delivery.body += Counted(message);
    delivery.body += tail_;
    frames_.clear();
    return TakeDelivery(delivery, ids_, kNow,
                        [this](std::string_view frame) { frames_.emplace_back(frame); });
  }

  FrameIds ids_;
  std::vector<std::string> frames_;
  std::optional<std::uint64_t> told_;
  std::string tail_;
};

TEST_F(LogplexDelivery, HandsOnEveryMessageOnce) {
  const std::string first = Line("[GOLD] [8-1] LOG:  one\n");
  const std::string second = Line("[GOLD] [9-1] LOG:  two\nwith \xFF a line feed inside\n");
  EXPECT_EQ(Take({first, second}).messages, 2U);
  EXPECT_THAT(frames_, ElementsAre(first, second));
  const DeliveryCount again = Take({first, second});
  EXPECT_TRUE(again.retried);
  EXPECT_EQ(again.messages, 0U);
  EXPECT_THAT(frames_, IsEmpty());
}

TEST_F(LogplexDelivery, ARetryThatBringsALossCountsTheLossAlone) {
  Take({Line("one\n"), Line("two\n")});
  const DeliveryCount again = Take({L10(491), Line("one\n"), Line("two\n")});
  EXPECT_TRUE(again.retried);
  EXPECT_EQ(again.missing + again.surplus, 0U);
  EXPECT_THAT(frames_, ElementsAre(L10(491)));
  Take({L10(491), Line("one\n"), Line("two\n")});
  EXPECT_THAT(frames_, IsEmpty());
}

TEST_F(LogplexDelivery, ALossThatGrewBetweenAttemptsCountsByWhatItGrew) {
  Take({L10(5), Line("one\n")});
  EXPECT_THAT(frames_, ElementsAre(L10(5), Line("one\n")));
  Take({L10(12), Line("one\n")});
  EXPECT_THAT(frames_, ElementsAre(L10(7)));
  Take({L10(12), L10(3), Line("one\n")});
  EXPECT_THAT(frames_, ElementsAre(L10(3)));
}

TEST_F(LogplexDelivery, WhatAnAppPrintsLikeALossIsNone) {
  const std::string forged =
      Line("Error L10 (output buffer overflow): 9 messages dropped since x.");
  Take({Line("one\n")});
  Take({forged, Line("one\n")});
  EXPECT_THAT(frames_, IsEmpty());
}

TEST_F(LogplexDelivery, CountsWhatLogplexSentAndWhatDidNotCome) {
  told_ = 5;
  EXPECT_EQ(Take({Line("one\n"), Line("two\n")}).missing, 3U);
  EXPECT_EQ(Take({Line("one\n"), Line("two\n")}).missing, 0U) << "once, not per attempt";
  told_ = 1;
  EXPECT_EQ(Take({Line("one\n"), Line("two\n")}, "F2").surplus, 1U);
}

TEST_F(LogplexDelivery, WithoutAnIdEveryDeliveryIsNew) {
  EXPECT_EQ(Take({Line("one\n")}, "").messages, 1U);
  EXPECT_EQ(Take({Line("one\n")}, "").messages, 1U);
  EXPECT_EQ(ids_.size(), 0U);
}

TEST_F(LogplexDelivery, AnEmptyBodyIsNoMessage) {
  const DeliveryCount count = Take({});
  EXPECT_EQ(count.messages, 0U);
  EXPECT_EQ(count.bad_frames, 0U);
}

TEST_F(LogplexDelivery, ABodyThatWasCutCountsAsSuch) {
  told_ = 2;
  tail_ = "4000 <134>1 2026-11-20T20:14:23Z host app postgr";
  const DeliveryCount count = Take({Line("one\n")});
  EXPECT_EQ(count.bad_frames, 1U);
  ASSERT_GE(frames_.size(), 1U);
  EXPECT_EQ(frames_[0], Line("one\n"));
}

TEST(DeliveryStats, AreExported) {
  DeliveryStats stats;
  DeliveryCount count;
  count.missing = 4;
  Add(stats, count);
  count.missing = 0;
  count.retried = true;
  Add(stats, count);
  Families families;
  AppendDeliveryFamilies(stats, FrameIds(), families);
  std::string text;
  for (const Family& family : families) {
    for (const ClientMetric& metric : family.metric) {
      text += family.name;
      for (const auto& label : metric.label) text += " " + label.value;
      text += " " + std::to_string(static_cast<int>(metric.counter.value)) + "\n";
    }
  }
  EXPECT_THAT(text, HasSubstr("pgbeacon_logplex_frames_total new 1\n"));
  EXPECT_THAT(text, HasSubstr("pgbeacon_logplex_frames_total retried 1\n"));
  EXPECT_THAT(text, HasSubstr("pgbeacon_logplex_count_mismatch_messages_total missing 4\n"));
}

}  // namespace
}  // namespace pgbeacon::ingest
