// Requests and responses: what a well-meaning client sees.
#include "exporter/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/server_support.h"

namespace pgbeacon::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using HttpServer = ServerTest;

TEST_F(HttpServer, AnswersGetWithTheHeadersItPromises) {
  Start();
  RawClient client(port_);
  const Reply reply = client.Get("/hello");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello\n");
  EXPECT_EQ(reply.headers.at("Content-Length"), "6");
  EXPECT_EQ(reply.headers.at("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.headers.at("X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(reply.headers.at("Date"), testing::EndsWith(" GMT"));
  EXPECT_FALSE(reply.headers.contains("Server"));
  EXPECT_FALSE(reply.headers.contains("Connection"));
  ASSERT_TRUE(Eventually([this] { return !seen().empty(); }));
  EXPECT_THAT(seen(), ElementsAre(Pair("/hello", 200)));
}

TEST_F(HttpServer, AnswersHeadWithTheLengthOfGetAndNoBody) {
  Start();
  RawClient client(port_);
  for (const char* headers : {"", "Accept-Encoding: gzip\r\n"}) {
    const Reply get = client.Get("/page", headers);
    client.Send(std::string("HEAD /page HTTP/1.1\r\nHost: x\r\n") + headers + "\r\n");
    const Reply head = client.Read(true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("Content-Length"), get.headers.at("Content-Length"));
    EXPECT_EQ(head.headers.count("Content-Encoding"), get.headers.count("Content-Encoding"));
  }
  EXPECT_EQ(client.Get("/hello").body, "hello\n") << "no byte of a body may follow a HEAD";
}

TEST_F(HttpServer, KeepsConnectionsAlive) {
  Start();
  RawClient client(port_);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Get("/hello").status, 200);
}

TEST_F(HttpServer, ClosesWhenTheClientAsks) {
  Start();
  RawClient client(port_);
  EXPECT_EQ(client.Get("/hello", "Connection: close\r\n").headers.at("Connection"), "close");
  EXPECT_EQ(client.ReadToEnd(), "");
  RawClient old(port_);
  old.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Read().body, "hello\n");
  EXPECT_EQ(old.ReadToEnd(), "");
}

TEST_F(HttpServer, KeepsOldConnectionsAliveWhenAsked) {
  Start();
  RawClient client(port_);
  for (int i = 0; i < 2; ++i) {
    client.Send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(client.Read().headers.at("Connection"), "keep-alive");
  }
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  Start();
  RawClient client(port_);
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += "GET /query?n=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    requests += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(client.Read().body, "/query|n=" + std::to_string(i) + "|");
    ASSERT_EQ(client.Read().body, "abc");
  }
}

TEST_F(HttpServer, DecodesPathQueryAndHeaders) {
  Start();
  RawClient client(port_);
  EXPECT_EQ(client.Get("/%71uery?a=1+2&b=%26&a&c=", "X-TEST: 1\r\nx-test: 2\r\n").body,
            "/query|a=1 2|b=&|a=|c=|1, 2");
  EXPECT_EQ(client.Get("http://elsewhere/query?a=b").body, "/query|a=b|");
}

TEST_F(HttpServer, ListsWhatIsServedWhereNothingIs) {
  Start();
  RawClient client(port_);
  const Reply reply = client.Get("/nothing?a=b");
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.body, HasSubstr("  /hello\n"));
  EXPECT_EQ(client.Get("/hello").status, 200);
  ASSERT_TRUE(Eventually([this] { return seen().size() == 2; }));
  EXPECT_THAT(seen(), ElementsAre(Pair("other", 404), Pair("/hello", 200)));
}

TEST_F(HttpServer, NamesTheAllowedMethods) {
  Start();
  RawClient client(port_);
  for (const char* method : {"POST", "DELETE", "OPTIONS", "BREW"}) {
    client.Send(std::string(method) + " /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const Reply reply = client.Read();
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.headers.at("Allow"), "GET, HEAD");
  }
  EXPECT_EQ(client.Get("/echo").headers.at("Allow"), "POST");
}

TEST_F(HttpServer, ReadsBodiesOfEitherFraming) {
  Start();
  RawClient client(port_);
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  client.Send("cde");
  EXPECT_EQ(client.Read().body, "abcde");
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.Send("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
  EXPECT_EQ(client.Read().body, "abcde");
}

TEST_F(HttpServer, TellsAWaitingClientToContinue) {
  Start();
  RawClient client(port_);
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("abc");
  EXPECT_EQ(client.Read().body, "abc");
}

TEST_F(HttpServer, CompressesWhatIsCompressibleForThoseWhoAccept) {
  Start();
  RawClient client(port_);
  for (const char* path : {"/page", "/large"}) {  // on the I/O thread and on the pool
    const Reply plain = client.Get(path);
    EXPECT_FALSE(plain.headers.contains("Content-Encoding"));
    EXPECT_EQ(plain.headers.at("Vary"), "Accept, Accept-Encoding");
    const Reply packed = client.Get(path, "Accept-Encoding: deflate, gzip\r\n");
    EXPECT_EQ(packed.headers.at("Content-Encoding"), "gzip");
    EXPECT_LT(packed.body.size(), plain.body.size() / 10);
    EXPECT_EQ(Gunzip(packed.body), plain.body);
  }
  EXPECT_FALSE(
      client.Get("/hello", "Accept-Encoding: gzip\r\n").headers.contains("Content-Encoding"));
}

TEST_F(HttpServer, AHandlerThatThrowsIsA500ForItsClientAlone) {
  Start();
  RawClient other(port_);
  EXPECT_EQ(other.Get("/hello").status, 200);
  RawClient client(port_);
  const Reply reply = client.Get("/throw");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "internal error\n");
  EXPECT_EQ(client.Get("/hello").status, 200);
  EXPECT_EQ(other.Get("/hello").status, 200);
}

TEST_F(HttpServer, AnswersAClientThatHasFinishedSending) {
  Start();
  RawClient client(port_);
  client.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  client.FinishSending();
  ASSERT_TRUE(Eventually([this] { return waiting_ == 1; }));
  Release();
  EXPECT_EQ(client.Read().body, "slow\n");
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpServer, ServesManyConnectionsAtOnce) {
  Start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(port_));
    ASSERT_TRUE(clients.back()->Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  ASSERT_TRUE(Eventually([this] { return waiting_ == 200; }));
  Release();
  for (const auto& client : clients) EXPECT_EQ(client->Read().body, "slow\n");
  for (const auto& client : clients) EXPECT_EQ(client->Get("/hello").status, 200);
}

TEST_F(HttpServer, StopAnswersWhatRunsAndClosesTheRest) {
  Start();
  RawClient idle(port_);
  EXPECT_EQ(idle.Get("/hello").status, 200);
  RawClient busy(port_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Eventually([this] { return waiting_ == 1; }));
  OnServer([this] { server_->Stop(); });
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_FALSE(RawClient(port_).connected());
  Release();
  const Reply reply = busy.Read();
  EXPECT_EQ(reply.body, "slow\n");
  EXPECT_EQ(reply.headers.at("Connection"), "close");
  EXPECT_EQ(busy.ReadToEnd(), "") << "the pipelined request is not begun";
}

TEST_F(HttpServer, DestructionWithRequestsInFlightIsClean) {
  Start();
  std::vector<std::unique_ptr<RawClient>> clients;
  const char* requests[] = {
      "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /large HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", "GET /hel", ""};
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(port_));
    clients.back()->Send(requests[i % std::size(requests)]);
  }
  ASSERT_TRUE(Eventually([this] { return waiting_ == 4; }));
  OnServer([this] { server_.reset(); });
  for (const auto& client : clients) EXPECT_TRUE(client->ReadToEnd());
  Release();
}

TEST_F(HttpServer, DestructionOfTheLoopWithRequestsInFlightIsClean) {
  Start();
  RawClient client(port_);
  client.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Eventually([this] { return waiting_ == 1; }));
  io_.stop();
  thread_.join();
}

}  // namespace
}  // namespace pgbeacon::http
