#include "exporter/web/logs_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "exporter/http/query.h"

namespace pgbeacon::web {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<LogsQuery> Read(const std::string& query, std::string_view accept = "") {
  return ReadLogsQuery(http::ParseTarget("/logs?" + query)->query, accept);
}

TEST(LogsQuery, AsksForTheLast100LinesOfEverythingByDefault) {
  const auto query = Read("");
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->num, 100U);
  EXPECT_FALSE(query->tail);
  EXPECT_EQ(query->form, LogsForm::kText);
  EXPECT_THAT(query->filter.servers, IsEmpty());
  EXPECT_FALSE(query->filter.at_least);
}

TEST(LogsQuery, ReadsEveryParameter) {
  const auto query = Read(
      "app=orders-*&app=billing&num=5&ps=postgres&source=app&tail=true&severity=error&"
      "format=ndjson");
  ASSERT_TRUE(query.ok()) << query.error().message;
  EXPECT_THAT(query->filter.servers, ElementsAre("orders-*", "billing"));
  EXPECT_EQ(query->num, 5U);
  EXPECT_EQ(query->filter.process, "postgres");
  EXPECT_EQ(query->filter.source, "app");
  EXPECT_TRUE(query->tail);
  EXPECT_EQ(query->filter.at_least, log::Severity::kError);
  EXPECT_EQ(query->form, LogsForm::kNdjson);
}

TEST(LogsQuery, TheFormIsNegotiated) {
  const std::vector<std::pair<const char*, LogsForm>> cases = {
      {"*/*", LogsForm::kText},
      {"application/x-ndjson", LogsForm::kNdjson},
      {"text/event-stream", LogsForm::kEvents},
      {"text/plain, application/x-ndjson", LogsForm::kText},
      {"application/x-ndjson, text/plain;q=0.5", LogsForm::kNdjson},
      {"text/html,application/xhtml+xml", LogsForm::kText}};
  for (const auto& [accept, form] : cases) EXPECT_EQ(Read("", accept)->form, form) << accept;
  EXPECT_EQ(Read("format=text", "text/event-stream")->form, LogsForm::kText);
}

TEST(LogsQuery, EventStreamsGoOnUnlessToldOtherwise) {
  EXPECT_TRUE(Read("", "text/event-stream")->tail);
  EXPECT_TRUE(Read("format=sse-text")->tail);
  EXPECT_FALSE(Read("tail=0", "text/event-stream")->tail);
}

TEST(LogsQuery, RefusesWhatItDoesNotKnowAndTellsWhatIsValid) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"num=x", "num=x: expected a number from 0 to 10000"},
      {"num=-1", "num=-1: expected a number"},
      {"num=10001", "a number from 0 to 10000"},
      {"num=", "a number from 0 to 10000"},
      {"tail=yes", "tail=yes: expected 1, true, 0 or false"},
      {"severity=bad", "PANIC"},
      {"severity=", "PANIC"},
      {"format=xml", "ndjson"},
      {"app=", "glob"},
      {"sevrity=LOG", "no parameter sevrity; did you mean severity?"},
      {"lines=5", "there are app, num, ps, source, tail, severity, format"},
      {"num=1&num=2", "num once"},
      {"x%ff=1", "no parameter x\xEF\xBF\xBD"}};
  for (const auto& [query, message] : cases) {
    const auto read = Read(query);
    ASSERT_FALSE(read.ok()) << query;
    EXPECT_THAT(read.error().message, HasSubstr(message)) << query;
  }
}

}  // namespace
}  // namespace pgbeacon::web
