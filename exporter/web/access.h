// Access: who may read logs over HTTP, and of which servers.
//
// Example:
//   Access access(config.logs_access);
//   std::optional<Access::Servers> servers = access.Check(request->Header("authorization"));
//   if (!servers) return http 401;
//   filter.allowed = *servers;
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/config/logs_access.h"

namespace pgbeacon::web {

class Access {
 public:
  /// Names or globs; empty: all servers.
  using Servers = std::vector<std::string>;

  explicit Access(config::LogsAccess rules) : rules_(std::move(rules)) {}

  /// Whether everybody may read everything.
  bool open() const { return !rules_; }

  /// What the header Authorization (Bearer or Basic) lets one read; nothing: 401. Takes the same
  /// time whichever rule fits or fails to. Files that cannot be read are logged once.
  std::optional<Servers> Check(std::string_view authorization);

 private:
  std::string ReadSecret(const std::string& path);

  config::LogsAccess rules_;
  std::set<std::string> unreadable_;
};

/// Warns when logs can be read without a token from other machines.
void WarnOfOpenLogs(const Access& access, const std::vector<std::string>& listen_addresses);

}  // namespace pgbeacon::web
