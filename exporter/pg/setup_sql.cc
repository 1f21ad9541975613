#include "exporter/pg/setup_sql.h"

namespace pgbeacon::pg {
namespace {

std::string Quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

/// As a string constant that means the same whatever standard_conforming_strings says.
std::string Literal(const std::string& text) {
  const std::string quoted = Quoted(text, '\'');
  if (text.find('\\') == std::string::npos) return quoted;
  std::string escaped = "E";
  for (const char c : quoted) {
    if (c == '\\') escaped += c;
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string SetupSql(const std::string& role) {
  const std::string name = Quoted(role, '"');
  const std::string literal = Literal(role);
  return "-- The role that pgbeacon logs in with: it reads statistics and nothing else.\n"
         "-- Run as a superuser, in any database; then set a password (psql: \\password).\n"
         "SELECT pg_catalog.set_config('pgbeacon.role', " +
         literal +
         ", false);\n"
         "DO $pgbeacon$\n"
         "DECLARE\n"
         "  role_name text := pg_catalog.current_setting('pgbeacon.role');\n"
         "BEGIN\n"
         "  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN\n"
         "    EXECUTE pg_catalog.format(\n"
         "      'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', role_name);\n"
         "  END IF;\n"
         "  -- PostgreSQL 16 and later: gets in when max_connections is used up and\n"
         "  -- reserved_connections is above 0.\n"
         "  IF EXISTS (SELECT FROM pg_catalog.pg_roles\n"
         "             WHERE rolname = 'pg_use_reserved_connections') THEN\n"
         "    EXECUTE pg_catalog.format('GRANT pg_use_reserved_connections TO %I', role_name);\n"
         "  END IF;\n"
         "END\n"
         "$pgbeacon$;\n"
         "GRANT pg_monitor TO " +
         name +
         ";\n"
         "-- Two connections, one more while an old one ends, and one for the command line.\n"
         "ALTER ROLE " +
         name + " CONNECTION LIMIT 4;\n";
}

}  // namespace pgbeacon::pg
