#include "exporter/fanout/drain_options.h"

#include <algorithm>
#include <utility>

namespace pgbeacon::fanout {
namespace {

constexpr std::string_view kTcpPort = ":514";
constexpr std::string_view kTlsPort = ":6514";  // RFC 5425

Error Refuse() {
  return Error(ErrorCode::kInvalid,
               "expected syslog://HOST[:PORT], syslog+tls://HOST[:PORT], "
               "https://[USER:PASSWORD@]HOST[:PORT]/PATH or http://...");
}

/// Of "host:port", "host", "[::1]:port".
Result<http::Url> ParseSyslog(std::string_view authority, bool tls) {
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.find_first_of("/?#@") != std::string_view::npos) return Refuse();
  const std::size_t bracket = authority.rfind(']');
  const std::size_t begin = bracket == std::string_view::npos ? 0 : bracket;
  std::string text = (tls ? "https://" : "http://") + std::string(authority);
  if (authority.find(':', begin) == std::string_view::npos) text += tls ? kTlsPort : kTcpPort;
  return http::ParseUrl(text);
}

}  // namespace

Result<DrainAddress> ParseDrainUrl(std::string_view text) {
  DrainAddress address;
  const std::size_t scheme = std::min(text.find("://"), text.size());
  const std::string_view name = text.substr(0, scheme);
  const bool syslog = name == "syslog" || name == "syslog+tls";
  address.kind = syslog ? DrainKind::kSyslog : DrainKind::kLogplex;
  Result<http::Url> url =
      syslog ? ParseSyslog(text.substr(scheme + 3), name == "syslog+tls") : http::ParseUrl(text);
  if (!url.ok()) return Refuse();
  address.url = *std::move(url);
  return address;
}

}  // namespace pgbeacon::fanout
