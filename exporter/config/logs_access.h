// Who may read logs over HTTP: `logs: {access: [...]}` of the config file.
//
// Example:
//   logs:
//     access:
//       - {token_file: /etc/pgbeacon/team-a.token, servers: ["team-a-*"]}
//       - {user: dba, password_file: /etc/pgbeacon/dba.password}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/yaml.h"

namespace pgbeacon::config {

/// One token or user; exactly one of token_file, token_sha256 and user is set.
struct AccessRule {
  std::string token_file;    ///< holds the token alone; read at each request
  std::string token_sha256;  ///< 64 hexadecimal digits in lower case
  std::string user;
  std::string password_file;         ///< with `user`; read at each request
  std::vector<std::string> servers;  ///< names or globs; empty: all
};

/// Nothing: whoever reaches the listener may read. An empty list: nobody.
using LogsAccess = std::optional<std::vector<AccessRule>>;

/// Reads `logs` of the file's root. A rule with a mistake is told and left out, which never opens
/// the logs to everybody.
LogsAccess ReadLogsAccess(YamlMap& root);

}  // namespace pgbeacon::config
