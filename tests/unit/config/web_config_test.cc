#include "exporter/config/web_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgbeacon::config {
namespace {

using net::ClientAuth;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kHash = "$2y$10$" + std::string(53, 'a');

struct Read {
  WebConfig config;
  YamlErrors errors;
};

Read ReadText(const std::string& text) {
  Read read;
  read.config = ReadWebConfig(text, "/etc/web.yml", read.errors);
  return read;
}

TEST(WebConfig, AnEmptyFileProtectsNothing) {
  const Read read = ReadText("");
  EXPECT_TRUE(read.errors.empty());
  EXPECT_FALSE(read.config.tls);
  EXPECT_TRUE(read.config.users.empty());
  EXPECT_FALSE(read.config.rate_limit);
}

TEST(WebConfig, ReadsEveryKey) {
  const Read read = ReadText(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [a.example.com, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_256_CBC_SHA]
  curve_preferences: [X25519, CurveP256]
  prefer_server_cipher_suites: false
http_server_config:
  headers: {X-Frame-Options: deny}
rate_limit: {interval: 100ms, burst: 20}
basic_auth_users:
  prometheus: )" + kHash + "\n");
  EXPECT_THAT(read.errors.messages(), IsEmpty());
  EXPECT_THAT(read.config.notes, IsEmpty());
  const net::TlsSettings& tls = *read.config.tls;
  EXPECT_EQ(tls.cert.file, "/etc/server.crt");
  EXPECT_EQ(tls.key.file, "/keys/server.key");
  EXPECT_EQ(tls.client_ca.file, "/etc/ca.crt");
  EXPECT_EQ(tls.client_auth, ClientAuth::kRequireAndVerify);
  EXPECT_THAT(tls.client_sans, ElementsAre("a.example.com", "10.0.0.1"));
  EXPECT_EQ(tls.min_version, TLS1_2_VERSION);
  EXPECT_EQ(tls.max_version, TLS1_3_VERSION);
  EXPECT_EQ(tls.tls13_ciphers, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(tls.ciphers, "ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA");
  EXPECT_EQ(tls.curves, "X25519:P-256");
  EXPECT_FALSE(tls.prefer_server_ciphers);
  EXPECT_THAT(read.config.headers, ElementsAre(testing::Pair("X-Frame-Options", "deny")));
  EXPECT_THAT(read.config.users, ElementsAre(testing::Pair("prometheus", kHash)));
  EXPECT_EQ(read.config.rate_limit->burst, 20);
  EXPECT_THAT(read.config.Files(),
              ElementsAre("/etc/server.crt", "/keys/server.key", "/etc/ca.crt"));
}

TEST(WebConfig, TellsEveryMistakeWithItsPlaceAndField) {
  const Read read = ReadText(R"(tls_server_config:
  key_file: server.key
  min_version: TLS9
  cipher_suites: [TLS_AES_128_GCM_SHA25]
  client_auth_type: Always
  client_ca: x
nonsense: 1
http_server_config:
  headers: {Server: x, X-Frame-Options: DENY, X-XSS-Protection: "a\nb"}
rate_limit: {interval: 1s}
basic_auth_users: {a: secret, b: $2y$20$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
)");
  const std::vector<std::string> expected = {
      "/etc/web.yml:3:3: min_version: expected one of TLS10, TLS11, TLS12, TLS13",
      "/etc/web.yml:4:3: cipher_suites: unknown cipher; did you mean "
      "TLS_AES_128_GCM_SHA256?",
      "/etc/web.yml:5:3: client_auth_type: expected one of ",
      "/etc/web.yml:1:1: cert_file: required for TLS (or cert, in place)",
      "/etc/web.yml:9:13: headers: 'Server' cannot be set; expected Strict-Transport-Security, ",
      "/etc/web.yml:9:24: headers: X-Frame-Options: expected deny or sameorigin",
      "/etc/web.yml:9:47: headers: X-XSS-Protection: the value has a control character",
      "/etc/web.yml:10:1: burst: expected a number from 1",
      "/etc/web.yml:11:20: basic_auth_users: 'a': expected a bcrypt hash",
      "/etc/web.yml:11:31: basic_auth_users: 'b': the hash has a cost of 20; at most 16",
      "/etc/web.yml:7:1: unknown key 'nonsense'"};
  const std::vector<std::string>& told = read.errors.messages();
  ASSERT_EQ(told.size(), expected.size()) << read.errors.ToError().message;
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_THAT(told[i], HasSubstr(expected[i]));
  EXPECT_THAT(read.errors.ToError().message, testing::Not(HasSubstr("secret")));
}

TEST(WebConfig, KnowsBcryptHashes) {
  const std::string rest(53, '.');
  EXPECT_EQ(BcryptCost("$2y$10$" + rest), 10);
  EXPECT_EQ(BcryptCost("$2a$04$" + rest), 4);
  EXPECT_EQ(BcryptCost("$2b$31$" + rest), 31);
  for (const std::string& wrong :
       {std::string(), "$2y$10$" + rest + ".", "$2y$10$" + rest.substr(1), "$2x$10$" + rest,
        "$2y$03$" + rest, "$2y$32$" + rest, "$2y$1x$" + rest, "$1y$10$" + rest,
        "$2y$10$" + rest.substr(1) + ":", "$2y$10." + rest}) {
    EXPECT_EQ(BcryptCost(wrong), std::nullopt) << wrong;
  }
}

TEST(WebConfig, NotesWhatIsTakenButNotDone) {
  const Read read = ReadText(
      "tls_server_config: {cert_file: a, cert: b, key_file: c, min_version: TLS10, "
      "client_auth_type: RequestClientCert}\nhttp_server_config: {http2: true}\n");
  EXPECT_THAT(read.errors.messages(), IsEmpty());
  EXPECT_EQ(read.config.tls->min_version, TLS1_2_VERSION);
  EXPECT_THAT(read.config.notes,
              ElementsAre(HasSubstr("cert: not used"), HasSubstr("min_version: TLS 1.0 and 1.1"),
                          HasSubstr("takes any certificate"), HasSubstr("HTTP/2 is not served")));
}

TEST(WebConfig, CiphersOfTls13AloneLeaveNoOlderVersion) {
  const std::string tls =
      "tls_server_config: {cert: a, key: b, cipher_suites: "
      "[TLS_AES_256_GCM_SHA384]";
  EXPECT_EQ(ReadText(tls + "}").config.tls->min_version, TLS1_3_VERSION);
  EXPECT_THAT(ReadText(tls + ", max_version: TLS12}").errors.ToError().message,
              HasSubstr("none of them is of TLS 1.2"));
}

TEST(WebConfig, TellsWhichFileIsWrong) {
  YamlErrors errors;
  LoadWebConfig("/nonexistent/web.yml", errors);
  EXPECT_THAT(errors.ToError().message, HasSubstr("cannot read /nonexistent/web.yml"));
}

}  // namespace
}  // namespace pgbeacon::config
