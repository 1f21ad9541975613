// Connection strings: read by libpq's own parser, never shown with what may be a password.
//
// Example:
//   Result<Conninfo> conninfo = Conninfo::Parse("postgresql://monitor@db1/postgres");
//   if (const std::string* host = conninfo->Find("host")) ...
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pgbeacon::pg {

/// The keywords that a connection string gives, in libpq's order.
class Conninfo {
 public:
  /// A URI or keyword/value string. The Error's message has no part of the text in it that could
  /// be secret.
  static Result<Conninfo> Parse(const std::string& text);

  /// Null where the string does not give the keyword.
  const std::string* Find(std::string_view keyword) const;
  void Set(std::string_view keyword, std::string value);
  const std::vector<std::pair<std::string, std::string>>& settings() const { return settings_; }
  void Remove(std::string_view keyword);
  /// As a keyword/value string.
  std::string Text() const;

 private:
  std::vector<std::pair<std::string, std::string>> settings_;
};

/// One for each host of a connection string that names several, for libpq would ask the first that
/// answers; only the whole where target_session_attrs chooses among them.
std::vector<Conninfo> PerHost(const Conninfo& conninfo);

/// Whether libpq would take the string.
Status CheckConninfo(const std::string& text);

/// "db1:5432", as postgres_exporter labels a server: from the string, else from PGHOST and PGPORT,
/// else libpq's defaults.
std::string ServerName(const std::string& text);

/// Whether the server runs on this machine: a socket directory or a loopback address.
bool IsLocal(const std::string& text);

}  // namespace pgbeacon::pg
