#include "exporter/net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::net {
namespace {

using testing::HasSubstr;

TEST(ListenAddress, IsReadAsGoReadsIt) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } cases[] = {{":9187", "", 9187},
               {"127.0.0.1:0", "127.0.0.1", 0},
               {"[::1]:65535", "::1", 65535},
               {"localhost:80", "localhost", 80}};
  for (const auto& [text, host, port] : cases) {
    const Result<ListenAddress> address = ParseListenAddress(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
  }
}

TEST(ListenAddress, RefusesOtherText) {
  for (const char* text :
       {"", "9187", "localhost", ":", ":x", ":-1", ":65536", "::1:9187", "[]:1", "[::1:1", ": 1"}) {
    const Result<ListenAddress> address = ParseListenAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_THAT(address.error().message, HasSubstr("expected HOST:PORT, [IPV6]:PORT or :PORT"));
    EXPECT_EQ(address.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace pgbeacon::net
