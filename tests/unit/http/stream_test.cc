// Responses whose bodies are made while they are sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "tests/unit/http/server_support.h"

namespace pgbeacon::http {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

/// Gives what the test puts in, all on the server's thread.
class Pieces : public BodySource {
 public:
  explicit Pieces(net::any_io_executor executor)
      : news_(executor, net::asio::steady_timer::time_point::max()) {}

  void Put(std::string piece) {
    pieces_.push_back(std::move(piece));
    news_.cancel();
  }
  void Finish() {
    finished_ = true;
    news_.cancel();
  }
  void End() override {
    ended = true;
    Finish();
  }
  net::awaitable<std::string> Next() override {
    ++asked;
    while (pieces_.empty() && !endless && !finished_) co_await news_.async_wait(net::kNoThrow);
    std::string piece;
    if (ended) co_return piece;
    if (endless) {
      piece.assign(65536, 'x');
    } else if (!pieces_.empty()) {
      piece = std::move(pieces_.front());
      pieces_.pop_front();
    }
    co_return piece;
  }

  bool ended = false;
  bool endless = false;
  int asked = 0;

 private:
  net::asio::steady_timer news_;
  std::deque<std::string> pieces_;
  bool finished_ = false;
};

class HttpStream : public ServerTest {
 protected:
  /// Every request to /stream gets a source of its own; the last one is `source_`.
  void Begin(Limits limits = {}) {
    Start(limits);
    OnServer([this] { server_->Route("GET", "/stream", [this](auto) { return Stream(); }); });
  }
  net::awaitable<Response> Stream() {
    source_ = std::make_shared<Pieces>(io_.get_executor());
    source_->endless = endless_;
    Response response;
    response.stream = source_;
    co_return response;
  }
  void Ask(RawClient& client, const std::string& version = "1.1") {
    client.Send("GET /stream HTTP/" + version + "\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(Eventually([this] { return source_ && source_->asked > 0; }));
  }
  bool EventuallyEnded() {
    return Eventually([this] { return source_->ended && server_streams() == 0; });
  }
  /// Streams that are being sent, as a source knows by nobody else holding it.
  long server_streams() const { return source_.use_count() - 1; }

  std::shared_ptr<Pieces> source_;
  bool endless_ = false;
};

TEST_F(HttpStream, PiecesArriveAsTheyAreMade) {
  Begin();
  RawClient client(port_);
  Ask(client);
  const Reply reply = client.Read(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, Contains(Pair("Transfer-Encoding", "chunked")));
  EXPECT_FALSE(reply.headers.contains("Content-Length"));
  OnServer([this] { source_->Put("hello\n"); });
  EXPECT_EQ(client.ReadSome(11), "6\r\nhello\n\r\n");
  OnServer([this] { source_->Put(std::string(20, 'x')); });
  EXPECT_EQ(client.ReadSome(26), "14\r\n" + std::string(20, 'x') + "\r\n");
  OnServer([this] { source_->Finish(); });
  EXPECT_EQ(client.ReadSome(5), "0\r\n\r\n");
  EXPECT_EQ(client.Get("/hello").body, "hello\n");
}

TEST_F(HttpStream, IsCountedWhenItBegins) {
  Begin();
  RawClient client(port_);
  Ask(client);
  EXPECT_THAT(seen(), Contains(Pair("/stream", 200)));
}

TEST_F(HttpStream, ClientsOfHttp10ReadToTheEndOfTheConnection) {
  Begin();
  RawClient client(port_);
  Ask(client, "1.0");
  OnServer([this] {
    source_->Put("hello\n");
    source_->Finish();
  });
  const auto all = client.ReadToEnd();
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->ends_with("\r\n\r\nhello\n")) << *all;
  EXPECT_EQ(all->find("chunked"), std::string::npos);
}

TEST_F(HttpStream, HeadHasNoBody) {
  Begin();
  RawClient client(port_);
  client.Send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.Read(true).status, 200);
  EXPECT_EQ(client.Get("/hello").body, "hello\n");
  EXPECT_TRUE(Eventually([this] { return source_->asked == 0 && server_streams() == 0; }));
}

TEST_F(HttpStream, EndsWhenTheClientHangsUp) {
  Begin();
  for (const bool reset : {false, true}) {
    RawClient client(port_);
    Ask(client);
    if (reset) {
      client.Abort();
    } else {
      client.Close();
    }
    EXPECT_TRUE(EventuallyEnded());
    source_ = nullptr;
  }
  EXPECT_EQ(RawClient(port_).Get("/hello").status, 200);
}

TEST_F(HttpStream, ARequestBehindItIsAnsweredAfterIt) {
  Begin();
  RawClient client(port_);
  client.Send(
      "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Eventually([this] { return source_ && source_->asked > 0; }));
  OnServer([this] { source_->Finish(); });
  client.Read(true);
  EXPECT_EQ(client.ReadSome(5), "0\r\n\r\n");
  EXPECT_EQ(client.Read().body, "hello\n");
}

TEST_F(HttpStream, GivesUpOnClientsThatDoNotRead) {
  Limits limits;
  limits.write = milliseconds(200);
  endless_ = true;
  Begin(limits);
  RawClient client(port_, 4096);
  Ask(client);
  EXPECT_TRUE(EventuallyEnded());
}

TEST_F(HttpStream, WaitsForNewsLongerThanAnyLimit) {
  Limits limits;
  limits.write = limits.read = limits.idle = milliseconds(100);
  Begin(limits);
  RawClient client(port_);
  Ask(client);
  client.Read(true);
  const auto later = SteadyClock::now() + milliseconds(400);
  ASSERT_TRUE(Eventually([later] { return SteadyClock::now() > later; }));
  OnServer([this] { source_->Put("late\n"); });
  EXPECT_EQ(client.ReadSome(10), "5\r\nlate\n\r\n");
}

TEST_F(HttpStream, LeavesConnectionsForOthers) {
  Limits limits;
  limits.streams = 1;
  Begin(limits);
  RawClient first(port_);
  Ask(first);
  RawClient second(port_);
  const Reply busy = second.Get("/stream");
  EXPECT_EQ(busy.status, 503);
  EXPECT_THAT(busy.body, HasSubstr("streams"));
  EXPECT_EQ(second.Get("/hello").status, 200);
}

TEST_F(HttpStream, StopEndsStreams) {
  Begin();
  RawClient client(port_);
  Ask(client);
  OnServer([this] { server_->Stop(); });
  const auto all = client.ReadToEnd();
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->ends_with("0\r\n\r\n"));
}

TEST_F(HttpStream, TheServerMayGoWhileItIsSent) {
  Begin();
  RawClient client(port_);
  Ask(client);
  OnServer([this] { server_.reset(); });
  EXPECT_TRUE(EventuallyEnded());
  EXPECT_TRUE(client.ReadToEnd());
}

}  // namespace
}  // namespace pgbeacon::http
