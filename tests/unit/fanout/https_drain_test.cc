// Drains of application/logplex-1 against a receiver that fails in all ways.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "logparse/transport/logplex.h"
#include "tests/unit/fanout/drain_support.h"

namespace pgbeacon::fanout {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr int kSilent = 0;
constexpr int kReset = -1;

struct Post {
  std::string head;
  std::string body;

  std::string Header(const std::string& name) const {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "(none)";
    const std::size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    log::LogplexBody messages(body);
    while (const std::optional<std::string_view> message = messages.Next()) {
      texts.emplace_back(log::ParseFrame(*message).message);
    }
    EXPECT_EQ(messages.bad_frames(), 0U);
    EXPECT_EQ(Header("Logplex-Msg-Count"), std::to_string(texts.size()));
    return texts;
  }
};

/// Answers each request with the next of `statuses`, and then with 200.
class Endpoint {
 public:
  explicit Endpoint(std::vector<int> statuses)
      : statuses_(std::move(statuses)), receiver_([this](int fd) { Serve(fd); }) {}

  std::string url(const std::string& login = "") const {
    return "http://" + login + "127.0.0.1:" + receiver_.port() + "/in?team=db";
  }
  std::vector<Post> posts() const { return posts_.Get(); }
  int connections() const { return receiver_.connections(); }

 private:
  void Serve(int fd) {
    std::string bytes;
    while (std::optional<Post> post = Read(fd, bytes)) {
      const std::size_t number = posts_.With([&](std::vector<Post>& posts) {
        posts.push_back(*post);
        return posts.size() - 1;
      });
      const int status = number < statuses_.size() ? statuses_[number] : 200;
      if (status == kReset) return CloseHard(fd);
      if (status == kSilent) continue;
      const std::string answer =
          "HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Length: 0\r\n\r\n";
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
  static std::optional<Post> Read(int fd, std::string& bytes) {
    for (;;) {
      const std::size_t end = bytes.find("\r\n\r\n");
      if (end != std::string::npos) {
        Post post;
        post.head = bytes.substr(0, end + 2);
        const auto length =
            static_cast<std::size_t>(ParseInt(post.Header("Content-Length")).value_or(0));
        if (bytes.size() >= end + 4 + length) {
          post.body = bytes.substr(end + 4, length);
          bytes.erase(0, end + 4 + length);
          return post;
        }
      }
      char piece[65536];
      const ssize_t size = recv(fd, piece, sizeof piece, 0);
      if (size <= 0) return std::nullopt;
      bytes.append(piece, static_cast<std::size_t>(size));
    }
  }

  const std::vector<int> statuses_;
  Shared<std::vector<Post>> posts_;
  Receiver receiver_;  // last: its thread uses the others
};

class HttpsDrain : public DrainTest {};

TEST_F(HttpsDrain, SendsWhatLogplexSends) {
  Endpoint endpoint({});
  DrainOptions options = Options(endpoint.url("user:secret@"));
  options.token = "d.01234567";
  Start(options);
  hub_.Add({.server = "orders",
            .time = kTime,
            .source = "app",
            .process = "postgres.7",
            .severity = log::Severity::kError,
            .text = "ERROR:  one\n\ttwo"});
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 1));
  ASSERT_THAT(endpoint.posts(), SizeIs(1));
  const Post post = endpoint.posts()[0];
  EXPECT_EQ(post.head.substr(0, post.head.find("\r\n")), "POST /in?team=db HTTP/1.1");
  EXPECT_EQ(post.Header("Content-Type"), "application/logplex-1");
  EXPECT_EQ(post.Header("Logplex-Msg-Count"), "1");
  EXPECT_EQ(post.Header("Logplex-Drain-Token"), "d.01234567");
  EXPECT_EQ(post.Header("Authorization"), "Basic dXNlcjpzZWNyZXQ=");
  EXPECT_THAT(post.Header("Logplex-Frame-Id"), testing::MatchesRegex("[0-9A-F]{32}"));
  EXPECT_EQ(post.body,
            "79 <132>1 2026-01-31T23:59:59.500000+00:00 host app postgres.7 - "
            "ERROR:  one\n\ttwo\n")
      << "no STRUCTURED-DATA, line feeds inside the count";
  EXPECT_EQ(Figure("up"), 1);
  EXPECT_GT(Figure("last_success_timestamp_seconds"), 1.7e9);
  EXPECT_EQ(Figure("buffered_messages"), 0);
}

TEST_F(HttpsDrain, KeepsTheConnectionAndTheOrder) {
  Endpoint endpoint({});
  Start(Options(endpoint.url()));
  for (int i = 0; i < 500; i += 100) {
    Add(i, 100);
    ASSERT_TRUE(UntilFigure("messages_total", "delivered", i + 100));
  }
  std::vector<std::string> texts;
  std::set<std::string> ids;
  for (const Post& post : endpoint.posts()) {
    for (const std::string& text : post.Texts()) texts.push_back(text);
    ids.insert(post.Header("Logplex-Frame-Id"));
  }
  ASSERT_THAT(texts, SizeIs(500));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(texts[i], "LOG:  line " + std::to_string(i));
  EXPECT_EQ(ids.size(), endpoint.posts().size());
  EXPECT_EQ(endpoint.connections(), 1);
}

TEST_F(HttpsDrain, CutsFramesAtHundredKilobytesButNoMessage) {
  Endpoint endpoint({});
  DrainOptions options = Options(endpoint.url());
  Start(options);
  for (int i = 0; i < 30; ++i) AddLine(hub_, "orders", std::string(10'000, 'x'));
  AddLine(hub_, "orders", std::string(300'000, 'y'));
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 31));
  for (const Post& post : endpoint.posts()) {
    const std::size_t messages = post.Texts().size();
    EXPECT_TRUE(post.body.size() <= 102'400 || messages == 1) << post.body.size();
  }
  EXPECT_EQ(endpoint.posts().back().Texts().back(), std::string(300'000, 'y'));
}

TEST_F(HttpsDrain, SendsAFrameThriceUnderOneIdAndTellsOfItsLoss) {
  Endpoint endpoint({503, 429, 500});
  Start(Options(endpoint.url()));
  Add(0, 3);
  ASSERT_TRUE(UntilFigure("messages_total", "dropped", 3));
  EXPECT_EQ(Figure("up"), 0);
  Add(3, 1);
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 1));
  const std::vector<Post> posts = endpoint.posts();
  ASSERT_THAT(posts, SizeIs(4));
  EXPECT_EQ(posts[0].Header("Logplex-Frame-Id"), posts[1].Header("Logplex-Frame-Id"));
  EXPECT_EQ(posts[0].Header("Logplex-Frame-Id"), posts[2].Header("Logplex-Frame-Id"));
  EXPECT_EQ(posts[0].body, posts[2].body);
  EXPECT_NE(posts[0].Header("Logplex-Frame-Id"), posts[3].Header("Logplex-Frame-Id"));
  const std::vector<std::string> texts = posts[3].Texts();
  ASSERT_THAT(texts, SizeIs(2)) << "the notice counts";
  const auto loss = log::ParseLogplexLoss(texts[0]);
  ASSERT_TRUE(loss) << texts[0];
  EXPECT_EQ(loss->messages, 3U);
  EXPECT_THAT(posts[3].body, HasSubstr(" host heroku logplex - Error L10 (output buffer overflow): "
                                       "3 messages dropped since 20"));
  EXPECT_EQ(texts[1], "LOG:  line 3");
  EXPECT_EQ(Figure("errors_total", "http_5xx"), 2);
  EXPECT_EQ(Figure("errors_total", "http_429"), 1);
}

TEST_F(HttpsDrain, RetriesAfterSilenceAndResets) {
  Endpoint endpoint({kSilent, kReset});
  DrainOptions options = Options(endpoint.url());
  options.times.request = std::chrono::milliseconds(300);
  Start(options);
  Add(0, 1);
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 1));
  EXPECT_THAT(endpoint.posts(), SizeIs(3));
  EXPECT_EQ(Figure("errors_total", "timeout"), 1);
  EXPECT_EQ(Figure("errors_total", "connection"), 1);
  EXPECT_EQ(Figure("messages_total", "dropped"), 0);
}

TEST_F(HttpsDrain, DropsAFrameThatIsRejected) {
  Endpoint endpoint({400, 404});
  Start(Options(endpoint.url()));
  Add(0, 1);
  ASSERT_TRUE(UntilFigure("messages_total", "rejected", 1));
  Add(1, 1);
  ASSERT_TRUE(UntilFigure("messages_total", "rejected", 2));
  Add(2, 1);
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 1));
  const std::vector<Post> posts = endpoint.posts();
  ASSERT_THAT(posts, SizeIs(3));
  const std::vector<std::string> texts = posts[2].Texts();
  ASSERT_THAT(texts, SizeIs(2));
  EXPECT_EQ(log::ParseLogplexLoss(texts[0])->messages, 2U) << "the lost notice is told again";
  EXPECT_EQ(Figure("errors_total", "http_4xx"), 2);
}

TEST_F(HttpsDrain, AReceiverThatIsAwayCostsNoAttemptButTheOldestLines) {
  DrainOptions options = Options("http://127.0.0.1:1/");
  options.lines = 10;
  Start(options);
  Add(0, 1);
  ASSERT_TRUE(Until([this] { return Figure("errors_total", "connection") > 5; }));
  EXPECT_EQ(Figure("messages_total", "dropped"), 0);
  EXPECT_EQ(Figure("buffered_messages"), 1);
  for (int i = 1; i < 100; ++i) {
    Add(i, 1);
    loop_.io.restart();
    loop_.io.poll();
  }
  ASSERT_TRUE(UntilFigure("messages_total", "dropped", 89));
  EXPECT_EQ(Figure("buffered_messages"), 11) << "ten that wait and one that was taken to be sent";
}

TEST_F(HttpsDrain, ADrainThatIsStuckDelaysNoOther) {
  Endpoint stuck(std::vector<int>(10, kSilent));
  Endpoint well({});
  DrainOptions first = Options(stuck.url());
  DrainOptions second = Options(well.url());
  first.lines = 100;
  second.name = "second";
  second.lines = 20'000;
  second.filter.servers = {"ord*"};
  Start({first, second});
  Add(0, 10'000);
  Add(0, 10, "other");
  ASSERT_TRUE(UntilFigure("messages_total", "delivered", 10'000, "second"));
  EXPECT_EQ(Figure("messages_total", "delivered"), 0);
  EXPECT_LE(Figure("buffered_messages"), 1000 + 100);
  EXPECT_EQ(Figure("messages_total", "dropped") + Figure("buffered_messages"), 10'010);
  EXPECT_EQ(Figure("messages_total", "dropped", "second"), 0);
}

}  // namespace
}  // namespace pgbeacon::fanout
