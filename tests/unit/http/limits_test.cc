// Clients that mean ill, are broken or vanish.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/server_support.h"

namespace pgbeacon::http {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::Pair;

class HttpLimits : public ServerTest {
 protected:
  std::uint64_t Count(Ended why) const {
    return server_->figures().ended[static_cast<std::size_t>(why)];
  }
  void ExpectAlive() { EXPECT_EQ(RawClient(port_).Get("/hello").status, 200); }
};

TEST_F(HttpLimits, RefusesMalformedRequests) {
  Start();
  for (const std::string request : {
           "garbage\r\n\r\n",
           "GET /hello\r\n\r\n",
           "GET /hello HTTP/1.1\r\nHost x\r\n\r\n",
           "GET /hello HTTP/1.1\r\n\r\n",
           "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
           "GET /hel%zzlo HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /hello?a=%4 HTTP/1.1\r\nHost: x\r\n\r\n",
           "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
           "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
           "chunked\r\n\r\n0\r\n\r\n",
           "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
           "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
           "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       }) {
    RawClient client(port_);
    client.Send(request);
    const Reply reply = client.Read();
    EXPECT_EQ(reply.status, 400) << request;
    EXPECT_EQ(client.ReadToEnd(), "") << request;
  }
  ASSERT_TRUE(Eventually([this] { return !seen().empty(); }));
  EXPECT_THAT(seen(), Contains(Pair("other", 400)));
  ExpectAlive();
}

TEST_F(HttpLimits, RefusesOtherVersions) {
  Start();
  RawClient client(port_);
  client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(client.Read().status, 505);
}

TEST_F(HttpLimits, RefusesLargeHeaders) {
  Limits limits;
  limits.header_bytes = 1000;
  Start(limits);
  RawClient fits(port_);
  EXPECT_EQ(fits.Get("/hello", "X: " + std::string(900, 'a') + "\r\n").status, 200);
  for (const std::string& request :
       {"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'a'),
        "GET /" + std::string(100'000, 'a')}) {
    RawClient client(port_);
    client.Send(request);
    EXPECT_EQ(client.Read().status, 431);
    EXPECT_EQ(client.ReadToEnd(), "");
  }
  ExpectAlive();
}

TEST_F(HttpLimits, RefusesLargeBodies) {
  Limits limits;
  limits.body_bytes = 1000;
  Start(limits);
  RawClient fits(port_);
  fits.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
            std::string(1000, 'a'));
  EXPECT_EQ(fits.Read().body.size(), 1000U);
  RawClient declared(port_);
  declared.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" +
                std::string(200'000, 'a'));
  EXPECT_EQ(declared.Read().status, 413);
  RawClient chunked(port_);
  chunked.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n" +
               std::string(65535, 'a') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.Read().status, 413);
  ExpectAlive();
}

TEST_F(HttpLimits, ClosesOnClientsThatDoNotFinishTheirRequest) {
  Limits limits;
  limits.read = milliseconds(200);
  Start(limits);
  for (const char* part : {"", "GET /hello HTTP/1.1\r\nHost:",
                           "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"}) {
    RawClient client(port_);
    client.Send(part);
    EXPECT_EQ(client.ReadToEnd(), "") << part;
  }
  ExpectAlive();
}

TEST_F(HttpLimits, TheReadLimitHoldsForClientsThatDripBytes) {
  Limits limits;
  limits.read = milliseconds(300);
  Start(limits);
  RawClient client(port_);
  client.Send("GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
  const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
  while (client.Send("a") && SteadyClock::now() < deadline) std::this_thread::yield();
  EXPECT_LT(SteadyClock::now(), deadline);
}

TEST_F(HttpLimits, ClosesIdleConnections) {
  Limits limits;
  limits.idle = milliseconds(200);
  Start(limits);
  RawClient client(port_);
  EXPECT_EQ(client.Get("/hello").status, 200);
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpLimits, ASlowHandlerIsNotAnIdleConnection) {
  Limits limits;
  limits.idle = limits.read = limits.write = milliseconds(100);
  Start(limits);
  RawClient client(port_);
  client.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Eventually([this] { return waiting_ == 1; }));
  const auto later = SteadyClock::now() + milliseconds(400);
  ASSERT_TRUE(Eventually([later] { return SteadyClock::now() > later; }));
  Release();
  EXPECT_EQ(client.Read().body, "slow\n");
}

TEST_F(HttpLimits, GivesUpOnClientsThatDoNotRead) {
  Limits limits;
  limits.write = milliseconds(200);
  Start(limits);
  RawClient client(port_, 4096);
  client.Send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Eventually([this] { return Count(Ended::kSlowReader) == 1; }));
  const auto rest = client.ReadToEnd();
  ASSERT_TRUE(rest);
  EXPECT_LT(rest->size(), 32U << 20);
  ExpectAlive();
}

TEST_F(HttpLimits, GivesUpOnClientsThatReadTooSlowly) {
  Limits limits;
  limits.write = milliseconds(200);
  limits.write_rate = std::size_t{1} << 30;
  Start(limits);
  RawClient client(port_, 4096);
  client.Send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
  std::size_t received = 0;
  for (std::string some = "x"; !some.empty() && SteadyClock::now() < deadline;) {
    some = client.ReadSome(4096);
    received += some.size();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_LT(SteadyClock::now(), deadline);
  EXPECT_LT(received, 32U << 20);
  EXPECT_TRUE(Eventually([this] { return Count(Ended::kSlowReader) == 1; }));
}

TEST_F(HttpLimits, CountsWhatItClosesByReason) {
  Limits limits;
  limits.header_bytes = 1000;
  limits.body_bytes = 10;
  limits.idle = milliseconds(200);
  limits.read = milliseconds(300);
  Start(limits);
  RawClient(port_).Get("/hello", "X: " + std::string(2000, 'a') + "\r\n");
  RawClient large(port_);
  large.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890");
  large.Read();
  RawClient(port_).Get("/hel%zzlo");
  RawClient idle(port_);
  idle.Get("/hello");
  EXPECT_EQ(idle.ReadToEnd(), "");
  RawClient slow(port_);
  slow.Send("GET /hello");
  EXPECT_EQ(slow.ReadToEnd(), "");
  for (const Ended why : {Ended::kHeaderTooLarge, Ended::kBodyTooLarge, Ended::kMalformed,
                          Ended::kIdle, Ended::kSlowRequest}) {
    EXPECT_TRUE(Eventually([this, why] { return Count(why) == 1; }))
        << kEndedNames[static_cast<std::size_t>(why)];
  }
}

TEST_F(HttpLimits, RefusesConnectionsBeyondTheLimit) {
  Limits limits;
  limits.connections = 2;
  Start(limits);
  RawClient first(port_);
  RawClient second(port_);
  EXPECT_EQ(first.Get("/hello").status, 200);
  EXPECT_EQ(second.Get("/hello").status, 200);
  RawClient third(port_);
  const Reply refused = third.Get("/hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("Retry-After"), "1");
  EXPECT_EQ(third.ReadToEnd(), "");
  third.Close();
  first.Close();
  const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
  int status = 0;
  while (status != 200 && SteadyClock::now() < deadline)
    status = RawClient(port_).Get("/hello").status;
  EXPECT_EQ(status, 200);
  EXPECT_EQ(second.Get("/hello").status, 200);
}

TEST_F(HttpLimits, AFloodOfConnectionsLeavesTheFirstOnesServed) {
  Limits limits;
  limits.connections = 2;
  Start(limits);
  RawClient first(port_);
  EXPECT_EQ(first.Get("/hello").status, 200);
  std::vector<std::unique_ptr<RawClient>> flood;
  for (int i = 0; i < 300; ++i) flood.push_back(std::make_unique<RawClient>(port_));
  EXPECT_EQ(first.Get("/hello").status, 200);
}

TEST_F(HttpLimits, ClientsThatVanishHarmNobody) {
  Start();
  for (const char* request : {"", "GET /he", "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
                              "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
                              "GET /large HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
                              "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"}) {
    for (int i = 0; i < 5; ++i) {
      RawClient client(port_);
      client.Send(request);
      if (i % 2 == 0) client.Abort();
    }
  }
  ASSERT_TRUE(Eventually([this] { return waiting_ >= 2; }));
  Release();
  ASSERT_TRUE(Eventually([this] { return waiting_ == 0; }));
  ExpectAlive();
}

}  // namespace
}  // namespace pgbeacon::http
