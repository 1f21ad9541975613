// The SQL that makes the role pgbeacon should log in with.
//
// Example:
//   std::fputs(SetupSql("pgbeacon").c_str(), stdout);   // pgbeacon setup-sql | psql
#pragma once

#include <string>

namespace pgbeacon::pg {

/// Statements for a superuser to run once: a login with pg_monitor and nothing else. Running them
/// again changes nothing. No password is set: that is left to \password or to the secret store.
std::string SetupSql(const std::string& role);

}  // namespace pgbeacon::pg
