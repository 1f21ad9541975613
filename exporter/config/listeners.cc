#include "exporter/config/listeners.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "exporter/config/quota.h"
#include "exporter/config/range.h"
#include "exporter/net/address.h"

namespace pgbeacon::config {
namespace {

using ingest::ListenerKind;

constexpr std::int64_t kLeastFrame = 480;  // RFC 5424, section 6.1: every receiver takes that
constexpr std::int64_t kMostFrame = std::int64_t{16} << 20;
constexpr std::int64_t kLeastBuffer = 4096;
constexpr std::int64_t kMostBuffer = std::int64_t{1} << 30;

struct Kind {
  std::string_view type;
  ListenerKind kind;
  std::string_view name;
};
constexpr std::array<Kind, 5> kKinds = {
    {{"syslog_udp", ListenerKind::kUdp, "udp"},
     {"syslog_tcp", ListenerKind::kTcp, "tcp"},
     {"syslog_tls", ListenerKind::kTls, "tls"},
     {"syslog_unix", ListenerKind::kUnix, "unix"},
     {"syslog_unix_stream", ListenerKind::kUnixStream, "unix-stream"}}};

bool IsUnix(ListenerKind kind) {
  return kind == ListenerKind::kUnix || kind == ListenerKind::kUnixStream;
}

ingest::SyslogListenerOptions Options(const Kind& kind, std::string address) {
  ingest::SyslogListenerOptions options;
  options.kind = kind.kind;
  options.name = std::string(kind.name) + ":" + address;
  options.address = std::move(address);
  return options;
}

std::vector<std::string> TypeNames() {
  std::vector<std::string> names = {"file"};
  for (const Kind& kind : kKinds) names.emplace_back(kind.type);
  return names;
}

const Kind* KindOf(YamlMap& map) {
  const std::optional<std::string> type = map.Choice("type", TypeNames());
  const auto* found = std::ranges::find(kKinds, type.value_or(""), &Kind::type);
  return found == kKinds.end() ? nullptr : found;
}

net::TlsFiles ReadTls(YamlMap& map) {
  net::TlsFiles files;
  std::optional<YamlMap> tls = map.Map("tls");
  if (!tls) {
    map.Fail("tls", "syslog_tls needs tls: {cert: FILE, key: FILE}");
    return files;
  }
  files.cert = tls->Require("cert");
  files.key = tls->Require("key");
  files.client_ca = tls->String("client_ca").value_or("");
  tls->Finish();
  return files;
}

/// An octal number, as chmod takes it. YAML gives 0660 as text.
void ReadMode(YamlMap& map, unsigned& mode) {
  const std::optional<std::string> text = map.String("mode");
  if (!text) return;
  constexpr unsigned kAll = 0777;
  unsigned read = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), read, 8);
  if (error != std::errc() || end != text->data() + text->size() || read > kAll) {
    map.Fail("mode", "mode: expected an octal number such as 0660");
    return;
  }
  mode = read;
}

}  // namespace

bool IsSyslogSource(YamlMap& map) { return KindOf(map) != nullptr; }

SyslogSource ReadSyslogSource(YamlMap& map) {
  const Kind& kind = *KindOf(map);
  SyslogSource source;
  source.listener = Options(kind, map.Require("addr"));
  ingest::SyslogListenerOptions& listener = source.listener;
  if (!IsUnix(kind.kind) && !listener.address.empty()) {
    const Result<net::ListenAddress> parsed = net::ParseListenAddress(listener.address);
    if (!parsed.ok()) map.Fail("addr", parsed.error().message);
  }
  if (kind.kind == ListenerKind::kTls) listener.tls = ReadTls(map);
  if (IsUnix(kind.kind)) ReadMode(map, listener.mode);
  if (kind.kind == ListenerKind::kUdp) {
    const auto size = ReadRange(map, "receive_buffer", kLeastBuffer, kMostBuffer, "bytes");
    if (size) listener.receive_buffer = static_cast<std::size_t>(*size);
  }
  const auto frame = ReadRange(map, "max_message", kLeastFrame, kMostFrame, "bytes");
  if (frame) listener.most_frame = static_cast<std::size_t>(*frame);
  source.server = map.String("server").value_or("");
  source.prefix = map.String("prefix");
  source.quota = ReadQuota(map);
  return source;
}

Result<std::vector<SyslogSource>> ReadSyslogFlags(const SyslogFlags& flags) {
  const struct {
    const char* flag;
    const std::vector<std::string>& values;
    ListenerKind kind;
  } lists[] = {{"--source.syslog-udp", flags.udp, ListenerKind::kUdp},
               {"--source.syslog-tcp", flags.tcp, ListenerKind::kTcp},
               {"--source.syslog-tls", flags.tls, ListenerKind::kTls},
               {"--source.unix", flags.unix_paths, ListenerKind::kUnix}};
  std::vector<SyslogSource> sources;
  for (const auto& [flag, values, kind] : lists) {
    for (const std::string& value : values) {
      const Result<net::ListenAddress> parsed = net::ParseListenAddress(value);
      if (!IsUnix(kind) && !parsed.ok()) {
        return Error(ErrorCode::kInvalid, std::string(flag) + ": " + parsed.error().message);
      }
      SyslogSource source;
      source.listener = Options(*std::ranges::find(kKinds, kind, &Kind::kind), value);
      if (kind == ListenerKind::kTls) source.listener.tls = flags.tls_files;
      sources.push_back(std::move(source));
    }
  }
  const net::TlsFiles& tls = flags.tls_files;
  if (!flags.tls.empty() && (tls.cert.empty() || tls.key.empty())) {
    return Error(ErrorCode::kInvalid,
                 "--source.syslog-tls needs --source.tls-cert FILE and --source.tls-key FILE");
  }
  if (flags.tls.empty() && !(tls.cert + tls.key + tls.client_ca).empty()) {
    return Error(ErrorCode::kInvalid, "--source.tls-* need --source.syslog-tls ADDRESS");
  }
  return sources;
}

}  // namespace pgbeacon::config
