// The file of --web.config.file, as all Prometheus exporters take it (exporter-toolkit): TLS,
// users, headers, rate limit. What they accept is accepted; docs/web.md tells the few exceptions.
//
// Example:
//   YamlErrors errors;
//   WebConfig config = LoadWebConfig("/etc/pgbeacon/web.yml", errors);
//   if (!errors.empty()) Tell(errors);      // "web.yml:3:5: min_version: expected ..."
//   TlsContext::Ptr tls = config.tls_context;
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/yaml.h"
#include "exporter/net/tls_context.h"

namespace pgbeacon::config {

/// Tokens of requests: one comes back every `interval`, up to `burst` are kept.
struct WebRateLimit {
  std::chrono::milliseconds interval{0};
  int burst = 0;
};

struct WebConfig {
  std::optional<net::TlsSettings> tls;
  net::TlsContext::Ptr tls_context;  ///< of `tls`, once LoadWebConfig has read its files
  std::vector<std::pair<std::string, std::string>> headers;  ///< of every response
  std::map<std::string, std::string, std::less<>> users;     ///< name -> bcrypt hash
  std::optional<WebRateLimit> rate_limit;
  std::vector<std::string> notes;             ///< what is taken but not done as the file says
  std::map<net::TlsPart, std::string> where;  ///< "file:line:column: key" of the parts of `tls`

  /// What the settings name besides their own file.
  std::vector<std::string> Files() const;
};

/// Highest cost of a bcrypt hash; one more doubles the time that a login takes.
inline constexpr int kMostBcryptCost = 16;

/// The cost of a bcrypt hash ("$2y$10$..."); nothing where it is none.
std::optional<int> BcryptCost(std::string_view hash);

/// The text alone; relative names of files are meant from `file`'s folder. Mistakes are appended.
WebConfig ReadWebConfig(std::string_view text, const std::string& file, YamlErrors& errors);

/// The file and what it names. With mistakes, `tls_context` may be absent.
WebConfig LoadWebConfig(const std::string& file, YamlErrors& errors);

}  // namespace pgbeacon::config
