#include "collectors/engine/facts.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

// EXECUTE on a function is checked when a statement starts, so a CASE around pg_control_system()
// does not protect it; query_to_xml runs its text only when it is reached.
constexpr std::string_view kIdentitySql = R"(/* pgbeacon:identity */
SELECT pg_catalog.current_setting('server_version_num') AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.version() AS version_text,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       CASE WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
            THEN pg_catalog.substring(pg_catalog.query_to_xml(
                   'SELECT system_identifier FROM pg_catalog.pg_control_system()',
                   false, true, '')::pg_catalog.text, '>(-?[0-9]+)<')
       END AS system_identifier,
       pg_catalog.current_setting('cluster_name') AS cluster_name,
       pg_catalog.current_database() AS database,
       extract(epoch FROM pg_catalog.pg_postmaster_start_time()) AS start_time,
       extract(epoch FROM pg_catalog.pg_conf_load_time()) AS conf_load_time,
       login.rolsuper AS superuser,
       login.rolcreaterole AS create_role,
       (SELECT pg_catalog.string_agg(rolname, ',') FROM pg_catalog.pg_roles
         WHERE rolname LIKE 'pg\_%' AND pg_catalog.pg_has_role(oid, 'USAGE')) AS privileges
  FROM pg_catalog.pg_roles login
 WHERE login.rolname = session_user)";

constexpr std::string_view kExtensionsSql = R"(/* pgbeacon:extensions */
SELECT e.extname, pg_catalog.quote_ident(n.nspname) AS schema, e.extversion
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace)";

// Those that the role may not see are left out by the view itself. Also asked in sessions whose
// search_path is not ours.
constexpr std::string_view kSettingsSql = R"(/* pgbeacon:settings */
SELECT name, setting FROM pg_catalog.pg_settings
 WHERE name OPERATOR(pg_catalog.=) ANY (ARRAY[)";

constexpr std::string_view kSettings[] = {
    "block_size",
    "client_connection_check_interval",
    "compute_query_id",
    "data_directory",
    "lc_messages",
    "log_autovacuum_min_duration",
    "log_checkpoints",
    "log_connections",
    "log_destination",
    "log_directory",
    "log_error_verbosity",
    "log_filename",
    "log_line_prefix",
    "log_lock_waits",
    "log_min_duration_statement",
    "log_min_messages",
    "log_temp_files",
    "log_timezone",
    "logging_collector",
    "max_connections",
    "reserved_connections",
    "server_encoding",
    "superuser_reserved_connections",
    "syslog_ident",
    "syslog_split_messages",
    "track_activity_query_size",
    "track_io_timing",
    "track_wal_io_timing",
    "wal_segment_size",
};

// One row per column, one with NULL for a name that the server does not have.
constexpr std::string_view kColumnsSql[] = {
    R"(/* pgbeacon:columns */
WITH wanted AS (SELECT pg_catalog.unnest(ARRAY[)",
    R"(]::pg_catalog.name[]) AS relation),
member AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
found AS (
  SELECT c.relname AS relation, a.attname AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relname IN (SELECT relation FROM wanted)
     AND (c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
          OR ('pg_catalog.pg_class'::pg_catalog.regclass, c.oid) IN (SELECT classid, objid FROM member))
  UNION
  SELECT p.proname, p.proargnames[i]
    FROM pg_catalog.pg_proc p
   CROSS JOIN LATERAL pg_catalog.generate_subscripts(p.proargmodes, 1) AS i
   WHERE p.proname IN (SELECT relation FROM wanted) AND p.proargmodes[i] IN ('o', 'b', 't')
     AND (p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
          OR ('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid) IN (SELECT classid, objid FROM member)))
SELECT w.relation, f.name FROM wanted w LEFT JOIN found f ON f.relation = w.relation)"};

std::string SettingsSql(const Catalogue& catalogue) {
  std::set<std::string> names(std::begin(kSettings), std::end(kSettings));
  for (const auto& collector : catalogue.collectors()) {
    const std::string& need = collector->needs.setting;
    if (!need.empty()) names.insert(need.substr(0, need.find('=')));
    for (const Query& query : collector->queries) names.merge(SettingsIn(query.sql));
  }
  return std::string(kSettingsSql) + SqlLiterals(names, "::pg_catalog.text") + "])";
}

std::string ColumnsSql(const Catalogue& catalogue) {
  std::set<std::string> names;
  for (const auto& collector : catalogue.collectors()) {
    for (const Query& query : collector->queries) {
      if (const std::string_view name = RelationOf(query); !name.empty()) names.emplace(name);
    }
  }
  return std::string(kColumnsSql[0]) + SqlLiterals(names, "::pg_catalog.name") +
         std::string(kColumnsSql[1]);
}

/// One row of an answer by column name.
class Row {
 public:
  Row(const Rows& rows, std::size_t row) : rows_(rows), row_(row) {}

  bool Has(std::string_view name) const { return Find(name).has_value(); }

  std::optional<std::string_view> Get(std::string_view name) const {
    const std::optional<std::size_t> column = Find(name);
    return column ? rows_.at(row_, *column) : std::nullopt;
  }

  std::string Text(std::string_view name) const { return std::string(Get(name).value_or("")); }

 private:
  std::optional<std::size_t> Find(std::string_view name) const {
    for (std::size_t column = 0; column < rows_.columns(); ++column) {
      if (rows_.name(column) == name) return column;
    }
    return std::nullopt;
  }

  const Rows& rows_;
  std::size_t row_;
};

Error Unexpected(std::string_view what) {
  return Error(ErrorCode::kInvalid, "the server's answer about itself lacks " + std::string(what) +
                                        "; is this PostgreSQL?");
}

Status ReadIdentity(const Rows& rows, ServerFacts& facts) {
  if (rows.rows() != 1) return Unexpected("its one row");
  const Row row(rows, 0);
  const std::optional<std::int64_t> version = ParseInt(row.Text("version_num"));
  if (!version || *version < 80000 || *version > 9'999'999) return Unexpected("server_version_num");
  const std::optional<double> start = ParseDouble(row.Text("start_time"));
  if (!start) return Unexpected("the postmaster's start time");
  const std::optional<double> loaded = ParseDouble(row.Text("conf_load_time"));
  if (!loaded) return Unexpected("the configuration's load time");
  const std::string recovery = row.Text("in_recovery");
  if (recovery != "t" && recovery != "f") return Unexpected("pg_is_in_recovery()");
  if (!row.Has("system_identifier")) return Unexpected("the system identifier");
  facts.version_num = static_cast<int>(*version);
  facts.version = row.Text("version");
  facts.version_text = row.Text("version_text");
  facts.in_recovery = recovery == "t";
  facts.system_identifier = row.Text("system_identifier");
  facts.cluster_name = row.Text("cluster_name");
  facts.database = row.Text("database");
  facts.start_time_seconds = *start;
  facts.conf_load_time_seconds = *loaded;
  facts.superuser = row.Text("superuser") == "t";
  facts.create_role = row.Text("create_role") == "t";
  facts.privileges.clear();
  for (std::string& role : Split(row.Text("privileges"), ','))
    facts.privileges.insert(std::move(role));
  return {};
}

Status ReadExtensions(const Rows& rows, ServerFacts& facts) {
  facts.extensions.clear();
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const Row row(rows, i);
    if (!row.Get("extname") || !row.Get("schema")) return Unexpected("an extension's name");
    facts.extensions[row.Text("extname")] = {row.Text("schema"), row.Text("extversion")};
  }
  return {};
}

Status ReadSettings(const Rows& rows, ServerFacts& facts) {
  facts.settings.clear();
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const Row row(rows, i);
    if (!row.Get("name")) return Unexpected("a setting's name");
    if (row.Get("setting")) facts.settings[row.Text("name")] = row.Text("setting");
  }
  return {};
}

Status ReadColumns(const Rows& rows, ServerFacts& facts) {
  facts.columns.clear();
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const Row row(rows, i);
    if (!row.Get("relation")) return Unexpected("a relation's name");
    std::set<std::string>& columns = facts.columns[row.Text("relation")];
    if (row.Get("name")) columns.insert(row.Text("name"));
  }
  return {};
}

}  // namespace

std::string FactsSql(FactsQuery query, const Catalogue& catalogue) {
  switch (query) {
    case FactsQuery::kIdentity:
      return std::string(kIdentitySql);
    case FactsQuery::kExtensions:
      return std::string(kExtensionsSql);
    case FactsQuery::kSettings:
      return SettingsSql(catalogue);
    case FactsQuery::kColumns:
      return ColumnsSql(catalogue);
  }
  return {};
}

Status ReadFacts(FactsQuery query, const Rows& rows, ServerFacts& facts) {
  switch (query) {
    case FactsQuery::kIdentity:
      return ReadIdentity(rows, facts);
    case FactsQuery::kExtensions:
      return ReadExtensions(rows, facts);
    case FactsQuery::kSettings:
      return ReadSettings(rows, facts);
    case FactsQuery::kColumns:
      return ReadColumns(rows, facts);
  }
  return {};
}

}  // namespace pgbeacon::collectors
