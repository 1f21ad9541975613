// What must be known about a server before asking it anything else: version, role, identity,
// extensions, privileges, settings and the columns that its statistics views have.
//
// Example:
//   for (FactsQuery query : kFactsQueries) Send(FactsSql(query, catalogue));
//   Status read = ReadFacts(query, rows, facts);
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collectors/engine/rows.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {

struct Extension {
  std::string schema;  ///< quoted where SQL needs it
  std::string version;

  bool operator==(const Extension&) const = default;
};

struct ServerFacts {
  int version_num = 0;  ///< server_version_num, e.g. 150020
  int major() const { return version_num / 10000; }
  std::string version;       ///< server_version, e.g. "15.20 (Debian 15.20-0+deb12u1)"
  std::string version_text;  ///< version(), whole
  bool in_recovery = false;
  std::string system_identifier;  ///< empty where the role may not read it
  std::string cluster_name;
  std::string database;               ///< current_database()
  double start_time_seconds = 0;      ///< pg_postmaster_start_time
  double conf_load_time_seconds = 0;  ///< pg_conf_load_time: settings hold from then on
  bool superuser = false;             ///< of the login
  bool create_role = false;
  std::set<std::string> privileges;  ///< predefined roles the login is a member of
  std::map<std::string, Extension> extensions;
  std::map<std::string, std::string> settings;  ///< those that plans and logs need
  /// Relation or function that a collector reads -> its columns ("pg_stat_archiver"); an empty set
  /// where the server has none of that name.
  std::map<std::string, std::set<std::string>> columns;
};

/// kIdentity is the base query of every run: it proves the server answers and tells role and
/// version changes. The others are asked once per connection and after a change.
enum class FactsQuery { kIdentity, kExtensions, kSettings, kColumns };
inline constexpr FactsQuery kFactsQueries[] = {FactsQuery::kIdentity, FactsQuery::kExtensions,
                                               FactsQuery::kSettings, FactsQuery::kColumns};

/// The statement. kSettings and kColumns ask for what the catalogue's collectors name. None of them
/// fails for lack of privileges.
std::string FactsSql(FactsQuery query, const Catalogue& catalogue);

/// Reads one answer into its part of `facts`, replacing what was there; an Error when a column is
/// missing or not what it must be.
Status ReadFacts(FactsQuery query, const Rows& rows, ServerFacts& facts);

}  // namespace pgbeacon::collectors
