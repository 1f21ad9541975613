// The client against our own server, and against servers that fail.
#include "exporter/http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/loopback.h"
#include "tests/unit/http/server_support.h"

namespace pgbeacon::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// Listens on loopback and answers each connection with fixed bytes, one after the other.
class Script {
 public:
  /// An empty answer: the connection is kept open and nothing said.
  explicit Script(std::vector<std::string> answers) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    port = test::ListenOnLoopback(fd_);
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) Serve(answer);
    });
  }
  ~Script() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    for (const int fd : kept_) close(fd);
    close(fd_);
  }

  std::string request() {
    const std::lock_guard lock(mutex_);
    return request_;
  }

  int port = 0;

 private:
  void Serve(const std::string& answer) {
    const int fd = accept(fd_, nullptr, nullptr);
    if (fd < 0) return;
    char request[65536];
    const ssize_t size = recv(fd, request, sizeof request, 0);
    {
      const std::lock_guard lock(mutex_);
      request_.assign(request, size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    if (answer.empty()) {
      kept_.push_back(fd);
      return;
    }
    send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    close(fd);
  }

  int fd_;
  std::mutex mutex_;
  std::string request_;  // the last one
  std::vector<int> kept_;
  std::thread thread_;
};

class HttpClient : public ServerTest {
 protected:
  static Url UrlOf(int port, const std::string& target = "/") {
    return ParseUrl("http://user:pass@127.0.0.1:" + std::to_string(port) + target).value();
  }

  template <class Value>
  static net::awaitable<void> Keep(net::awaitable<Value> work, std::optional<Value>& value) {
    Value result = co_await std::move(work);
    value.emplace(std::move(result));
  }
  /// Runs a coroutine of the test to its end.
  template <class Work>
  static auto Run(Work work) {
    net::asio::io_context io;
    using Value = typename decltype(work(net::any_io_executor()))::value_type;
    std::optional<Value> value;
    net::asio::co_spawn(io, Keep(work(io.get_executor()), value), net::asio::detached);
    io.run_for(seconds(20));
    return std::move(value).value();
  }

  Result<ClientResponse> Send(const Url& url, ClientRequest request,
                              milliseconds timeout = seconds(10)) {
    return Run([&](net::any_io_executor executor) {
      return SendOnce(executor, url, std::move(request), timeout);
    });
  }
  void Start(Limits limits = {}) {
    ServerTest::Start(limits);
    OnServer([this] {
      server_->Route("GET", "/peer", [this](auto request) {
        peers_.insert(request->peer);
        return Text("hello\n");
      });
    });
  }
  net::awaitable<std::string> SendTwice(net::any_io_executor executor, Url url,
                                        milliseconds pause) {
    const net::ClientTls tls;
    Client client(executor, pool_, url, tls);
    net::asio::steady_timer timer(executor);
    std::string said;
    for (int i = 0; i < 2; ++i) {
      ClientRequest request;
      request.target = "/peer";
      const Result<ClientResponse> response = co_await client.Send(std::move(request), seconds(10));
      said += response.ok() ? response->body : response.error().message;
      timer.expires_after(pause);
      co_await timer.async_wait(net::kNoThrow);
    }
    co_return said;
  }
  net::awaitable<std::string> ReadPieces(net::any_io_executor executor, Url url) {
    const net::ClientTls tls;
    Client client(executor, pool_, url, tls);
    ClientRequest request;
    const Result<ClientResponse> begun = co_await client.Open(std::move(request), seconds(10));
    if (!begun.ok()) co_return begun.error().message;
    std::string body;
    for (;;) {
      const Result<std::string> piece = co_await client.Read(seconds(10));
      if (!piece.ok()) co_return piece.error().message;
      if (piece->empty()) co_return body;
      body += *piece;
    }
  }
  net::awaitable<Result<ClientResponse>> SendOnce(net::any_io_executor executor, Url url,
                                                  ClientRequest request, milliseconds timeout) {
    const net::ClientTls tls;
    Client client(executor, pool_, url, tls);
    Result<ClientResponse> response = co_await client.Send(std::move(request), timeout);
    co_return response;
  }

  std::set<std::string> peers_;  // of the server's thread
};

TEST_F(HttpClient, SendsARequestAndReadsItsResponse) {
  Start();
  ClientRequest request;
  request.method = "POST";
  request.target = "/echo";
  request.body = std::string(100'000, 'x') + "end";
  const auto response = Send(UrlOf(port_), request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, request.body);
  EXPECT_EQ(response->headers.at("content-length"), "100003");
}

TEST_F(HttpClient, SendsWhatTheUrlAndTheRequestSay) {
  Script script({"HTTP/1.1 204 No Content\r\n\r\n"});
  ClientRequest request;
  request.headers.emplace_back("User-Agent", "Logplex/v72");
  request.headers.emplace_back("Logplex-Msg-Count", "1");
  const auto response = Send(UrlOf(script.port, "/a?b=c"), request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 204);
  const std::string sent = script.request();
  EXPECT_TRUE(sent.starts_with("GET /a?b=c HTTP/1.1\r\n")) << sent;
  EXPECT_THAT(sent, HasSubstr("Authorization: Basic dXNlcjpwYXNz\r\n"));
  EXPECT_THAT(sent, HasSubstr("User-Agent: Logplex/v72\r\n"));
  EXPECT_THAT(sent, HasSubstr("Logplex-Msg-Count: 1\r\n"));
  EXPECT_THAT(sent, HasSubstr("Host: 127.0.0.1:" + std::to_string(script.port) + "\r\n"));
}

TEST_F(HttpClient, KeepsTheConnection) {
  Start();
  EXPECT_EQ(
      Run([this](auto executor) { return SendTwice(executor, UrlOf(port_), milliseconds(0)); }),
      "hello\nhello\n");
  ASSERT_TRUE(Eventually([this] { return seen().size() == 2; }));
  EXPECT_EQ(peers_.size(), 1U);
}

TEST_F(HttpClient, ReplacesAConnectionThatWasClosed) {
  Limits limits;
  limits.idle = milliseconds(50);
  Start(limits);
  EXPECT_EQ(
      Run([this](auto executor) { return SendTwice(executor, UrlOf(port_), milliseconds(500)); }),
      "hello\nhello\n");
  EXPECT_EQ(peers_.size(), 2U);
}

TEST_F(HttpClient, SaysWhyThereIsNoAnswer) {
  const auto refused = Send(UrlOf(1), ClientRequest());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:1: Connection refused"));
  EXPECT_EQ(refused.error().message.find("pass"), std::string::npos);

  Script silent({""});
  const auto late = Send(UrlOf(silent.port), ClientRequest(), milliseconds(200));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);

  Script foreign({"SSH-2.0-OpenSSH_9.2\r\n"});
  const auto garbage = Send(UrlOf(foreign.port), ClientRequest());
  ASSERT_FALSE(garbage.ok());
  EXPECT_EQ(garbage.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(garbage.error().message, HasSubstr("no HTTP"));

  Script cut({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"});
  const auto half = Send(UrlOf(cut.port), ClientRequest());
  ASSERT_FALSE(half.ok());
  EXPECT_EQ(half.error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpClient, CutsBodiesThatAreTooLong) {
  Start();
  ClientRequest request;
  request.target = "/large";
  const auto response = Send(UrlOf(port_), request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->body.size(), Client::kMostBody);
}

TEST_F(HttpClient, ReadsABodyPieceByPiece) {
  Script script(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n"
       "0\r\n\r\n"});
  const std::string body =
      Run([&](net::any_io_executor executor) { return ReadPieces(executor, UrlOf(script.port)); });
  EXPECT_EQ(body, "hello!");
}

}  // namespace
}  // namespace pgbeacon::http
