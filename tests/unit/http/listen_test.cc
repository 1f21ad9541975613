#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/server_support.h"

namespace pgbeacon::http {
namespace {

using testing::HasSubstr;

class Listen : public testing::Test {
 protected:
  net::asio::io_context io_;
  net::BlockingPool pool_;
  Server server_{io_.get_executor(), pool_, {}, {}};
};

TEST_F(Listen, SaysWhoMayHoldAPortThatIsTaken) {
  ASSERT_TRUE(server_.Listen("127.0.0.1:0").ok());
  const std::string taken = server_.addresses().at(0);
  const Status again = server_.Listen(taken);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message,
            "cannot listen on " + taken +
                ": Address already in use; another exporter may have the port: `ss -ltnp sport = " +
                taken.substr(taken.rfind(':')) + "` tells which");
  EXPECT_EQ(server_.addresses().size(), 1U);
}

TEST_F(Listen, SaysSoWhenAPortOfEveryAddressIsTaken) {
  ASSERT_TRUE(server_.Listen(":0").ok());
  const std::string taken = server_.addresses().at(0);
  const Status again = server_.Listen(taken.substr(taken.rfind(':')));
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, HasSubstr("Address already in use"));
}

TEST_F(Listen, NamesAnAddressThatIsNotHere) {
  const Status status = server_.Listen("192.0.2.1:0");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("cannot listen on 192.0.2.1:0: "));
}

TEST_F(Listen, ResolvesNames) {
  ASSERT_TRUE(server_.Listen("localhost:0").ok());
  EXPECT_THAT(server_.addresses().at(0), testing::StartsWith("127.0.0.1:"));
}

TEST_F(Listen, NoHostMeansIpv4Too) {
  ASSERT_TRUE(server_.Listen(":0").ok());
  const std::string address = server_.addresses().at(0);
  EXPECT_TRUE(RawClient(std::stoi(address.substr(address.rfind(':') + 1))).connected());
}

TEST_F(Listen, TakesSeveralAddresses) {
  ASSERT_TRUE(server_.Listen("127.0.0.1:0").ok());
  ASSERT_TRUE(server_.Listen("127.0.0.1:0").ok());
  EXPECT_EQ(server_.addresses().size(), 2U);
}

TEST_F(Listen, TakesAPathAndRemovesItAtTheEnd) {
  const std::string path = testing::TempDir() + "pgbeacon-web-" + std::to_string(getpid());
  {
    net::asio::io_context io;
    Server server(io.get_executor(), pool_, {}, {});
    ASSERT_TRUE(server.Listen("unix:" + path).ok());
    EXPECT_EQ(server.addresses().at(0), "unix:" + path);
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
    EXPECT_FALSE(server.Listen("unix:" + path).ok());
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace pgbeacon::http
