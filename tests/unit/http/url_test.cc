#include "exporter/http/url.h"

#include <gtest/gtest.h>

#include "exporter/http/query.h"

namespace pgbeacon::http {
namespace {

TEST(Url, HasItsParts) {
  const Result<Url> url = ParseUrl("https://us%40er:se%3Acret@drain.example.com:8443/a/b?c=d#e");
  ASSERT_TRUE(url.ok()) << url.error().message;
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "drain.example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(url->user_info, "us@er:se:cret");
  EXPECT_EQ(url->Authority(), "drain.example.com:8443");
}

TEST(Url, HasDefaults) {
  EXPECT_EQ(ParseUrl("http://a")->Authority(), "a");
  EXPECT_EQ(ParseUrl("http://a")->port, 80);
  EXPECT_EQ(ParseUrl("http://a")->target, "/");
  EXPECT_EQ(ParseUrl("https://a?b=c")->port, 443);
  EXPECT_EQ(ParseUrl("https://a?b=c")->target, "/?b=c");
  EXPECT_EQ(ParseUrl("http://[::1]:9187/")->host, "::1");
  EXPECT_EQ(ParseUrl("http://[::1]:9187/")->Authority(), "[::1]:9187");
}

TEST(Url, RefusesWhatIsNoneWithoutShowingSecrets) {
  for (const char* text :
       {"", "localhost:9187", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:b",
        "http://a:70000", "http://[::1", "http://[::1]x", "http://secret%zz@a", "http://u:secret@",
        "http://a/b c", "http://a/\r\nX: y"}) {
    const Result<Url> url = ParseUrl(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_NE(url.error().message.find("http://HOST"), std::string::npos);
    EXPECT_EQ(url.error().message.find("secret"), std::string::npos);
  }
}

TEST(Url, CredentialsAreBase64) {
  EXPECT_EQ(BasicCredentials("user:pass"), "Basic dXNlcjpwYXNz");
  EXPECT_EQ(BasicCredentials("u:"), "Basic dTo=");
}

TEST(Url, WhatIsEncodedDecodesToItself) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string encoded = PercentEncode(all);
  EXPECT_EQ(encoded.find_first_of("&=+ ?#*"), std::string::npos);
  EXPECT_EQ(PercentDecode(encoded, true), all);
}

}  // namespace
}  // namespace pgbeacon::http
