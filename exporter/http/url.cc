#include "exporter/http/url.h"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.h"
#include "exporter/http/query.h"

namespace pgbeacon::http {
namespace {

constexpr std::uint16_t kHttp = 80;
constexpr std::uint16_t kHttps = 443;

/// Parts "host:port", "host", "[::1]:port"; false where they are none.
bool SplitAuthority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = std::string(text.substr(1, end - 1));
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    url.host = std::string(text.substr(0, colon));
    port = text.substr(colon);
  }
  if (url.host.empty()) return false;
  if (port.empty()) return true;
  const std::optional<std::int64_t> number = ParseInt(port.substr(1));
  if (port[0] != ':' || !number || *number < 1 ||
      *number > std::numeric_limits<std::uint16_t>::max()) {
    return false;
  }
  url.port = static_cast<std::uint16_t>(*number);
  return true;
}

}  // namespace

std::string Url::Authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? kHttps : kHttp) ? name : name + ":" + std::to_string(port);
}

Result<Url> ParseUrl(std::string_view text) {
  const auto refuse = [](std::string_view why) {
    return Error(ErrorCode::kInvalid, "this is no URL (" + std::string(why) +
                                          "); expected http://HOST[:PORT][/PATH] or https://...");
  };
  Url url;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return refuse("no scheme");
  url.tls = text.substr(0, scheme) == "https";
  if (!url.tls && text.substr(0, scheme) != "http") return refuse("neither http nor https");
  url.port = url.tls ? kHttps : kHttp;
  text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('#'));
  const std::size_t path = std::min(text.find_first_of("/?"), text.size());
  url.target = std::string(text.substr(path));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  const auto visible = [](unsigned char c) { return c > ' ' && c < 0x7F; };
  if (!std::ranges::all_of(text, visible)) return refuse("blanks or control characters");
  std::string_view authority = text.substr(0, path);
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    std::optional<std::string> user = PercentDecode(authority.substr(0, at), false);
    if (!user) return refuse("a % that no two hexadecimal digits follow");
    url.user_info = *std::move(user);
    authority.remove_prefix(at + 1);
  }
  if (!SplitAuthority(authority, url)) return refuse("no host, or no port from 1 to 65535");
  return url;
}

std::string BasicCredentials(std::string_view user_info) {
  std::string out((user_info.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(user_info.data()),
                                   static_cast<int>(user_info.size()));
  out.resize(static_cast<std::size_t>(size));
  return "Basic " + out;
}

}  // namespace pgbeacon::http
