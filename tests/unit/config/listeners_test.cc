#include "exporter/config/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/config/config.h"

namespace pgbeacon::config {
namespace {

using ingest::ListenerKind;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(SyslogSources, AreReadWithAllTheirKeys) {
  const Config config = ReadConfig(R"(
sources:
  - {file: /var/log/other.log, server: other}
  - {type: syslog_udp, addr: ":514", receive_buffer: 1000000, prefix: "%m ", quota: {lines_per_second: 500}}
  - {type: syslog_tcp, addr: "[::1]:601", server: db1, max_message: 8192, quota: {lines_per_second: 5, burst: 7}}
  - {type: syslog_tls, addr: ":6514", tls: {cert: a.crt, key: a.key, client_ca: ca.crt}}
  - {type: syslog_unix, addr: /run/pgbeacon/log, mode: 0660}
  - {type: syslog_unix_stream, addr: /run/pgbeacon/stream}
)",
                                   "pgbeacon.yml");
  ASSERT_TRUE(config.errors->empty()) << config.errors->ToError().message;
  EXPECT_EQ(config.sources.size(), 1U);
  ASSERT_EQ(config.syslog.size(), 5U);
  const SyslogSource& udp = config.syslog[0];
  EXPECT_EQ(udp.listener.kind, ListenerKind::kUdp);
  EXPECT_EQ(udp.listener.name, "udp::514");
  EXPECT_EQ(udp.listener.receive_buffer, 1'000'000U);
  EXPECT_EQ(udp.prefix, "%m ");
  EXPECT_EQ(udp.quota.lines_per_second, 500);
  EXPECT_EQ(udp.quota.burst, 5000);
  EXPECT_EQ(udp.server, "");
  const SyslogSource& tcp = config.syslog[1];
  EXPECT_EQ(tcp.listener.address, "[::1]:601");
  EXPECT_EQ(tcp.listener.most_frame, 8192U);
  EXPECT_EQ(tcp.server, "db1");
  EXPECT_EQ(tcp.quota.burst, 7);
  EXPECT_EQ(config.syslog[2].listener.tls.client_ca, "ca.crt");
  EXPECT_EQ(config.syslog[3].listener.mode, 0660U);
  EXPECT_EQ(config.syslog[4].listener.kind, ListenerKind::kUnixStream);
  EXPECT_EQ(config.syslog[4].listener.mode, 0666U);
}

TEST(SyslogSources, TellTheirMistakesByLine) {
  const Config config = ReadConfig(R"(
sources:
  - {type: syslog_upd, addr: ":514"}
  - {type: syslog_udp, addr: "514"}
  - {type: syslog_tls, addr: ":6514"}
  - {type: syslog_unix, addr: /run/log, mode: 0999}
  - {type: syslog_tcp, addr: ":601", quota: {burst: 5}}
  - {type: syslog_tcp, addr: ":602", max_message: 10, file: x}
  - {type: syslog_tcp}
)",
                                   "pgbeacon.yml");
  EXPECT_THAT(config.errors->messages(),
              testing::IsSupersetOf({HasSubstr("pgbeacon.yml:3:"),
                                     HasSubstr("listen address: no port given"),
                                     HasSubstr("syslog_tls needs tls: {cert: FILE, key: FILE}"),
                                     HasSubstr("mode: expected an octal number such as 0660"),
                                     HasSubstr("lines_per_second has to be a number above 0"),
                                     HasSubstr("max_message: expected bytes from 480 to 16777216"),
                                     HasSubstr("pgbeacon.yml:8:"), HasSubstr("pgbeacon.yml:9:")}));
}

TEST(SyslogSources, OfAMisspeltTypeTellThatAlone) {
  const Config config =
      ReadConfig("sources:\n  - {type: syslog_upd, addr: \":514\", max_message: 1000}\n", "f.yml");
  EXPECT_THAT(config.errors->messages(), ElementsAre(HasSubstr("f.yml:2:")));
  EXPECT_TRUE(config.sources.empty() && config.syslog.empty());
}

TEST(SyslogFlags, MakeASourceOfEachAddress) {
  SyslogFlags flags;
  flags.udp = {":514", "127.0.0.1:5140"};
  flags.tls = {":6514"};
  flags.unix_paths = {"/run/pgbeacon/log"};
  flags.tls_files = {.cert = "a.crt", .key = "a.key"};
  const auto sources = ReadSyslogFlags(flags);
  ASSERT_TRUE(sources.ok());
  std::vector<std::string> names;
  for (const SyslogSource& source : *sources) names.push_back(source.listener.name);
  EXPECT_THAT(names,
              ElementsAre("udp::514", "udp:127.0.0.1:5140", "tls::6514", "unix:/run/pgbeacon/log"));
  EXPECT_EQ((*sources)[2].listener.tls.key, "a.key");
}

TEST(SyslogFlags, AreRefusedByName) {
  SyslogFlags address;
  address.tcp = {"nowhere"};
  SyslogFlags no_key;
  no_key.tls = {":6514"};
  SyslogFlags no_listener;
  no_listener.tls_files.cert = "a.crt";
  EXPECT_THAT(ReadSyslogFlags(address).error().message,
              HasSubstr("--source.syslog-tcp: listen address: no port given"));
  EXPECT_THAT(ReadSyslogFlags(no_key).error().message, HasSubstr("--source.tls-cert"));
  EXPECT_THAT(ReadSyslogFlags(no_listener).error().message, HasSubstr("--source.syslog-tls"));
}

}  // namespace
}  // namespace pgbeacon::config
