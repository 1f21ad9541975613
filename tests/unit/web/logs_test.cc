#include "exporter/web/logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/unit/fanout/hub_support.h"
#include "tests/unit/http/server_support.h"

namespace pgbeacon::web {
namespace {

using http::RawClient;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kTime = "2026-01-31T23:59:59.500000+00:00";

class LogsTest : public http::ServerTest {
 protected:
  void Begin(config::LogsAccess access = std::nullopt, LogsStream::Limits limits = {},
             http::Limits http_limits = {}) {
    Start(http_limits);
    logs_ = std::make_unique<Logs>(io_.get_executor(), hub_, Access(std::move(access)), limits);
    OnServer([this] {
      server_->Route("GET", "/logs", [this](auto request) { return logs_->Get(request); });
    });
  }
  void Add(std::string_view server, std::string_view text, std::string_view process = "postgres.7",
           log::Severity severity = log::Severity::kLog) {
    fanout::AddLine(hub_, server, text, process, severity);
  }
  /// The whole body of a response that ends.
  std::string Get(const std::string& query, const std::string& headers = "") {
    RawClient client(port_);
    client.Send("GET /logs?" + query + " HTTP/1.0\r\n" + headers + "\r\n");
    const std::string all = client.ReadToEnd().value_or("");
    const std::size_t end = all.find("\r\n\r\n");
    return end == std::string::npos ? all : all.substr(end + 4);
  }
  static std::string Line(const std::string& text, const std::string& process = "postgres.7") {
    return std::string(kTime) + " app[" + process + "]: " + text + "\n";
  }
  /// Asks for lines without end and reads the header.
  void Tail(RawClient& client, const std::string& query, const std::string& headers = "") {
    client.Send("GET /logs?tail=1&" + query + " HTTP/1.0\r\n" + headers + "\r\n");
    EXPECT_EQ(client.Read(true).status, 200);
  }
  bool EventuallySubscribed(double subscribers) {
    return Eventually([&] {
      Families families;
      hub_.AppendFamilies(families);
      for (const Family& family : families) {
        if (family.name == "pgbeacon_fanout_subscribers") {
          return family.metric[0].gauge.value == subscribers;
        }
      }
      return false;
    });
  }

  fanout::Hub hub_{fanout::HubOptions()};
  std::unique_ptr<Logs> logs_;
};

TEST_F(LogsTest, GivesTheLastMatchingLinesAsHerokuLogsPrintsThem) {
  Begin();
  Add("orders", "first");
  Add("orders", "second");
  Add("orders", "third");
  for (int i = 0; i < 200; ++i) Add("orders", "noise", "router");
  Add("billing", "other");
  EXPECT_EQ(Get("app=orders&ps=postgres&num=2"), Line("second") + Line("third"));
  EXPECT_EQ(Get("app=bill*"), Line("other"));
  EXPECT_EQ(Get("app=nobody"), "");
  EXPECT_EQ(Get("num=0"), "");
}

TEST_F(LogsTest, CountsLinesNotMessages) {
  Begin();
  Add("orders", "ERROR:  one");
  Add("orders", "ERROR:  two\nDETAIL:  three\nHINT:  four");
  EXPECT_EQ(Get("num=2"), Line("DETAIL:  three") + Line("HINT:  four"));
  EXPECT_EQ(Get("num=4"), Line("ERROR:  one") + Line("ERROR:  two") + Line("DETAIL:  three") +
                              Line("HINT:  four"));
  EXPECT_THAT(Get("num=1&format=ndjson"),
              HasSubstr(R"("text":"ERROR:  two\nDETAIL:  three\nHINT:  four"})"));
}

TEST_F(LogsTest, FiltersBySeverityAndSource) {
  Begin();
  Add("orders", "bad", "postgres.7", log::Severity::kError);
  Add("orders", "good");
  EXPECT_EQ(Get("severity=WARNING"), Line("bad"));
  EXPECT_EQ(Get("source=heroku"), "");
}

TEST_F(LogsTest, TailGoesOnAfterTheLastLines) {
  Begin();
  Add("orders", "before");
  RawClient client(port_);
  Tail(client, "ps=postgres&num=1");
  EXPECT_EQ(client.ReadSome(Line("before").size()), Line("before"));
  Add("orders", "noise", "router");
  Add("orders", "after");
  EXPECT_EQ(client.ReadSome(Line("after").size()), Line("after"));
  client.Close();
  EXPECT_TRUE(EventuallySubscribed(0));
}

TEST_F(LogsTest, NoLineIsLostOrDoubledWhereTailBegins) {
  Begin();
  std::atomic<bool> stop{false};
  std::atomic<int> allowed{300};  // lines: a reader that is far behind would lose some
  std::jthread adder([&] {
    for (int i = 0; !stop;) {
      if (i < allowed) {
        Add("s" + std::to_string(i % 3), std::to_string(i));
        ++i;
      }
      std::this_thread::yield();
    }
  });
  const std::shared_ptr<void> end(nullptr, [&](void*) { stop = true; });
  for (int round = 0; round < 20; ++round) {
    RawClient client(port_);
    Tail(client, "num=10&format=sse");
    std::vector<long> ids;
    std::string pending;
    while (ids.size() < 100) {
      pending += client.ReadSome(1);
      if (!pending.ends_with('\n')) continue;
      if (pending.starts_with("id: ")) {
        ids.push_back(std::stol(pending.substr(4)));
        ++allowed;
      }
      pending.clear();
    }
    for (std::size_t i = 1; i < ids.size(); ++i) ASSERT_EQ(ids[i], ids[i - 1] + 1);
  }
}

TEST_F(LogsTest, EventStreamsResumeBehindTheLastEvent) {
  Begin();
  Add("orders", "one");
  Add("orders", "two");
  Add("orders", "three");
  const std::string all = Get("format=sse-text&tail=0");
  EXPECT_THAT(all, StartsWith("id: "));
  const std::string first = all.substr(4, all.find('\n') - 4);
  EXPECT_THAT(all, StartsWith("id: " + first + "\ndata: " + Line("one") + "\n"));
  const std::string rest = Get("format=sse-text&tail=0&num=1", "Last-Event-ID: " + first + "\r\n");
  EXPECT_EQ(rest, all.substr(all.find("\n\n") + 2));
}

TEST_F(LogsTest, EventStreamsHaveHeartbeats) {
  LogsStream::Limits limits;
  limits.heartbeat = std::chrono::milliseconds(50);
  Begin(std::nullopt, limits);
  RawClient client(port_);
  Tail(client, "", "Accept: text/event-stream\r\n");
  EXPECT_EQ(client.ReadSome(6), ":\n\n:\n\n");
}

TEST_F(LogsTest, ASubscriberThatDoesNotReadIsToldWhatItLost) {
  LogsStream::Limits limits;
  limits.waiting.lines = 5;
  Begin(std::nullopt, limits);
  RawClient client(port_);
  Tail(client, "num=0");
  ASSERT_TRUE(EventuallySubscribed(1));
  OnServer([this] {
    for (int i = 0; i < 100; ++i) Add("orders", std::to_string(i));
  });
  const std::string said = client.ReadSome(300);
  EXPECT_THAT(said, HasSubstr(" heroku[logplex]: Error L11 (Tail buffer overflow) -> This tail "
                              "session dropped 95 messages since 20"));
  EXPECT_THAT(said, HasSubstr(Line("95")));
}

TEST_F(LogsTest, ASubscriberThatStopsReadingDelaysNobody) {
  http::Limits http_limits;
  http_limits.write = std::chrono::milliseconds(500);
  Begin(std::nullopt, {}, http_limits);
  RawClient stopped(port_, 4096);
  Tail(stopped, "num=0");
  RawClient reading(port_);
  Tail(reading, "num=0&ps=wanted");
  ASSERT_TRUE(EventuallySubscribed(2));
  const std::string text(1000, 'x');
  for (int i = 0; i < 30; ++i) {
    for (int j = 0; j < 1000; ++j) Add("orders", text);
    Add("orders", std::to_string(i), "wanted");
    const std::string line = Line(std::to_string(i), "wanted");
    ASSERT_EQ(reading.ReadSome(line.size()), line);
  }
  EXPECT_TRUE(EventuallySubscribed(1));  // the other was given up
}

TEST_F(LogsTest, TheLastLinesOfOneReaderAreBounded) {
  LogsStream::Limits limits;
  limits.last_bytes = 10'000;
  Begin(std::nullopt, limits);
  for (int i = 0; i < 100; ++i) Add("orders", std::string(1000, 'x'));
  const std::string body = Get("");
  EXPECT_LT(body.size(), 12'000U);
  EXPECT_THAT(body, HasSubstr("This tail session dropped 92 messages"));
}

TEST_F(LogsTest, AccessIsBoundToServers) {
  config::AccessRule rule;
  rule.token_sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
  rule.servers = {"team-*"};
  config::LogsAccess access(std::in_place);
  access->push_back(rule);
  Begin(access);
  Add("team-orders", "mine");
  Add("billing", "not mine");
  const http::Reply refused = RawClient(port_).Get("/logs");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.headers.at("WWW-Authenticate"), HasSubstr("Basic"));
  const std::string token = "Authorization: Bearer secret\r\n";
  EXPECT_EQ(Get("", token), Line("mine"));
  EXPECT_EQ(Get("app=billing", token), "");
  EXPECT_EQ(Get("app=team-orders&app=billing", token), Line("mine"));
  EXPECT_EQ(Get("app=*", token), Line("mine"));
}

TEST_F(LogsTest, RefusesWrongParameters) {
  Begin();
  const http::Reply reply = RawClient(port_).Get("/logs?num=many");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, "num=many: expected a number from 0 to 10000\n");
}

TEST_F(LogsTest, StreamsMayOutliveTheServer) {
  Begin();
  RawClient client(port_);
  Tail(client, "");
  ASSERT_TRUE(EventuallySubscribed(1));
  OnServer([this] { server_.reset(); });
  Add("orders", "nobody");
  EXPECT_TRUE(EventuallySubscribed(0));
}

}  // namespace
}  // namespace pgbeacon::web
