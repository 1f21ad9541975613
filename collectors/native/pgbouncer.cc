#include "collectors/native/pgbouncer.h"

#include <cmath>
#include <string_view>

#include "base/text.h"

namespace pgbeacon::collectors {
namespace {

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;
constexpr double kMicroseconds = 1e6;       // of a second
constexpr std::size_t kMostTallied = 5000;  // combinations of database, user and state

/// One number of a row, or of a row named `column` where the subject has keys and values.
struct Cell {
  Subject subject;
  const char* column;
  double units;  ///< of the column, in one of the metric's
  Metric metric;
  const char* also = nullptr;  ///< another name that pgbouncer_exporter has had for it
};

// clang-format off
constexpr Cell kCells[] = {
    {Subject::kDatabases, "pool_size", 1, {"pgbouncer_databases_pool_size", kGauge, "Most server connections of one pool of the database."}},
    {Subject::kDatabases, "min_pool_size", 1, {"pgbouncer_databases_min_pool_size", kGauge, "Server connections that are kept open for the database."}},
    {Subject::kDatabases, "reserve_pool", 1, {"pgbouncer_databases_reserve_pool", kGauge, "Further server connections of one pool where clients wait."}},
    {Subject::kDatabases, "reserve_pool_size", 1, {"pgbouncer_databases_reserve_pool", kGauge, "Further server connections of one pool where clients wait."}},
    {Subject::kDatabases, "max_connections", 1, {"pgbouncer_databases_max_connections", kGauge, "Most server connections of the database; 0 is no limit."}},
    {Subject::kDatabases, "current_connections", 1, {"pgbouncer_databases_current_connections", kGauge, "Server connections of the database."}},
    {Subject::kDatabases, "max_client_connections", 1, {"pgbouncer_databases_max_client_connections", kGauge, "Most client connections of the database; 0 is no limit."}},
    {Subject::kDatabases, "current_client_connections", 1, {"pgbouncer_databases_current_client_connections", kGauge, "Client connections of the database."}},
    {Subject::kDatabases, "paused", 1, {"pgbouncer_databases_paused", kGauge, "Whether the database is paused."}},
    {Subject::kDatabases, "disabled", 1, {"pgbouncer_databases_disabled", kGauge, "Whether the database is disabled."}},
    {Subject::kPools, "cl_active", 1, {"pgbouncer_pools_client_active_connections", kGauge, "Clients that have a server connection or are idle."}},
    {Subject::kPools, "cl_waiting", 1, {"pgbouncer_pools_client_waiting_connections", kGauge, "Clients that wait for a server connection."}},
    {Subject::kPools, "cl_active_cancel_req", 1, {"pgbouncer_pools_client_active_cancel_connections", kGauge, "Clients whose cancel request has been sent on."}},
    {Subject::kPools, "cl_waiting_cancel_req", 1, {"pgbouncer_pools_client_waiting_cancel_connections", kGauge, "Clients whose cancel request has not been sent on yet."}},
    {Subject::kPools, "sv_active", 1, {"pgbouncer_pools_server_active_connections", kGauge, "Server connections that a client has."}},
    {Subject::kPools, "sv_active_cancel", 1, {"pgbouncer_pools_server_active_cancel_connections", kGauge, "Server connections that send a cancel request on."}},
    {Subject::kPools, "sv_being_canceled", 1, {"pgbouncer_pools_server_being_canceled_connections", kGauge, "Server connections that wait for cancel requests to end before they are idle."}},
    {Subject::kPools, "sv_idle", 1, {"pgbouncer_pools_server_idle_connections", kGauge, "Server connections that a client could have at once."}},
    {Subject::kPools, "sv_used", 1, {"pgbouncer_pools_server_used_connections", kGauge, "Server connections idle for so long that they are checked before use."}},
    {Subject::kPools, "sv_tested", 1, {"pgbouncer_pools_server_testing_connections", kGauge, "Server connections that run server_reset_query or server_check_query."}},
    {Subject::kPools, "sv_login", 1, {"pgbouncer_pools_server_login_connections", kGauge, "Server connections that are logging in."}},
    {Subject::kStats, "xact_count", 1, {"pgbouncer_stats_sql_transactions_pooled_total", kCounter, "Transactions."}, "pgbouncer_stats_totals_sql_transactions_pooled_total"},
    {Subject::kStats, "query_count", 1, {"pgbouncer_stats_queries_pooled_total", kCounter, "SQL commands."}, "pgbouncer_stats_totals_queries_pooled_total"},
    {Subject::kStats, "bytes_received", 1, {"pgbouncer_stats_received_bytes_total", kCounter, "Bytes received from clients."}, "pgbouncer_stats_totals_received_bytes_total"},
    {Subject::kStats, "bytes_sent", 1, {"pgbouncer_stats_sent_bytes_total", kCounter, "Bytes sent to clients."}, "pgbouncer_stats_totals_sent_bytes_total"},
    {Subject::kStats, "xact_time", kMicroseconds, {"pgbouncer_stats_server_in_transaction_seconds_total", kCounter, "Time that server connections spent in transactions."}, "pgbouncer_stats_totals_server_in_transaction_seconds_total"},
    {Subject::kStats, "query_time", kMicroseconds, {"pgbouncer_stats_queries_duration_seconds_total", kCounter, "Time that server connections spent running queries."}, "pgbouncer_stats_totals_queries_duration_seconds_total"},
    {Subject::kStats, "wait_time", kMicroseconds, {"pgbouncer_stats_client_wait_seconds_total", kCounter, "Time that clients waited for a server connection."}, "pgbouncer_stats_totals_client_wait_seconds_total"},
    {Subject::kStats, "server_assignment_count", 1, {"pgbouncer_stats_server_assignments_total", kCounter, "How often a client got a server connection."}, "pgbouncer_stats_totals_server_assignments_total"},
    {Subject::kStats, "client_parse_count", 1, {"pgbouncer_stats_client_parses_total", kCounter, "Statements that clients prepared."}, "pgbouncer_stats_totals_client_parses_total"},
    {Subject::kStats, "server_parse_count", 1, {"pgbouncer_stats_server_parses_total", kCounter, "Statements that were prepared on servers."}, "pgbouncer_stats_totals_server_parses_total"},
    {Subject::kStats, "bind_count", 1, {"pgbouncer_stats_binds_total", kCounter, "Prepared statements that were bound."}, "pgbouncer_stats_totals_binds_total"},
    {Subject::kLists, "databases", 1, {"pgbouncer_databases", kGauge, "Databases."}},
    {Subject::kLists, "users", 1, {"pgbouncer_users", kGauge, "Users."}},
    {Subject::kLists, "pools", 1, {"pgbouncer_pools", kGauge, "Pools."}},
    {Subject::kLists, "free_clients", 1, {"pgbouncer_free_clients", kGauge, "Client slots that are allocated and free."}},
    {Subject::kLists, "used_clients", 1, {"pgbouncer_used_clients", kGauge, "Client slots in use."}},
    {Subject::kLists, "login_clients", 1, {"pgbouncer_login_clients", kGauge, "Clients that are logging in."}},
    {Subject::kLists, "free_servers", 1, {"pgbouncer_free_servers", kGauge, "Server slots that are allocated and free."}},
    {Subject::kLists, "used_servers", 1, {"pgbouncer_used_servers", kGauge, "Server slots in use."}},
    {Subject::kLists, "dns_names", 1, {"pgbouncer_cached_dns_names", kGauge, "Names in the DNS cache."}},
    {Subject::kLists, "dns_zones", 1, {"pgbouncer_cached_dns_zones", kGauge, "Zones in the DNS cache."}},
    {Subject::kLists, "dns_queries", 1, {"pgbouncer_in_flight_dns_queries", kGauge, "DNS queries under way."}},
    {Subject::kConfig, "max_client_conn", 1, {"pgbouncer_config_max_client_connections", kGauge, "max_client_conn."}},
    {Subject::kConfig, "max_user_connections", 1, {"pgbouncer_config_max_user_connections", kGauge, "max_user_connections; 0 is no limit."}},
    {Subject::kConfig, "max_db_connections", 1, {"pgbouncer_config_max_database_connections", kGauge, "max_db_connections; 0 is no limit."}},
    {Subject::kConfig, "default_pool_size", 1, {"pgbouncer_config_default_pool_size", kGauge, "default_pool_size."}},
    {Subject::kConfig, "min_pool_size", 1, {"pgbouncer_config_min_pool_size", kGauge, "min_pool_size."}},
    {Subject::kConfig, "reserve_pool_size", 1, {"pgbouncer_config_reserve_pool_size", kGauge, "reserve_pool_size."}},
    {Subject::kConfig, "max_prepared_statements", 1, {"pgbouncer_config_max_prepared_statements", kGauge, "max_prepared_statements."}},
    {Subject::kConfig, "query_wait_timeout", 1, {"pgbouncer_config_query_wait_timeout_seconds", kGauge, "query_wait_timeout; 0 is no limit."}},
};

constexpr Metric kWait = {"pgbouncer_pools_client_maxwait_seconds", kGauge, "How long the client that is first in the queue has waited."};
constexpr Metric kVersion = {"pgbouncer_version_info", kGauge, "Which version answered; always 1."};
constexpr Metric kState = {"pgbouncer_state", kGauge, "Whether the pooler is active, paused or suspended."};
constexpr Metric kConnections[] = {
    {"pgbouncer_server_connections", kGauge, "Server connections by state."},
    {"pgbouncer_client_connections", kGauge, "Client connections by state."}};
constexpr Metric kTls[] = {
    {"pgbouncer_server_tls_connections", kGauge, "Server connections with TLS."},
    {"pgbouncer_client_tls_connections", kGauge, "Client connections with TLS."}};
constexpr Metric kClosing[] = {
    {"pgbouncer_server_closing_connections", kGauge, "Server connections that are closed as soon as they are free."},
    {"pgbouncer_client_closing_connections", kGauge, "Client connections that are closed as soon as they are free."}};
constexpr Metric kUp = {"pgbouncer_up", kGauge, "Whether the pooler's admin console answered (1) or not (0)."};
constexpr Metric kReason = {"pgbouncer_up_reason", kGauge, "Why the pooler is up or not: 1 for the reason that holds, 0 for all others."};
// clang-format on

std::optional<std::string_view> At(const Rows& rows, std::size_t row, std::string_view column) {
  for (std::size_t i = 0; i < rows.columns(); ++i) {
    if (rows.name(i) == column) return rows.at(row, i);
  }
  return std::nullopt;
}

std::string TextOf(const Rows& rows, std::size_t row, std::string_view column) {
  return std::string(At(rows, row, column).value_or(""));
}

std::vector<std::string_view> LabelsOf(Subject subject) {
  switch (subject) {
    case Subject::kDatabases:
      return {"name", "host", "port", "database", "force_user", "pool_mode"};
    case Subject::kPools:
      return {"database", "user"};
    default:
      return {"database"};
  }
}

}  // namespace

std::vector<std::string> PgBouncer::ColumnsOf(Subject subject) {
  std::vector<std::string> columns;
  for (const Cell& cell : kCells) {
    if (cell.subject == subject) columns.emplace_back(cell.column);
  }
  if (subject == Subject::kVersion) columns.emplace_back("PgBouncer 1.18.0");
  if (subject == Subject::kState) columns.emplace_back("active");
  if (IsKeyed(subject)) return columns;
  for (const std::string_view label : LabelsOf(subject)) columns.emplace_back(label);
  if (subject == Subject::kPools) columns.emplace_back("maxwait");
  if (subject == Subject::kClients || subject == Subject::kServers) {
    for (const char* column : {"user", "state", "tls", "close_needed"})
      columns.emplace_back(column);
  }
  return columns;
}

bool PgBouncer::IsKeyed(Subject subject) {
  return subject == Subject::kVersion || subject == Subject::kConfig ||
         subject == Subject::kState || subject == Subject::kLists;
}

std::optional<double> PgBouncer::Number(const Rows& rows, std::size_t row,
                                        std::string_view column) {
  const auto text = At(rows, row, column);
  if (!text) return std::nullopt;
  const std::optional<double> number = ParseDouble(*text);
  if (number && std::isfinite(*number)) return number;
  ++unreadable_;
  return std::nullopt;
}

void PgBouncer::Add(Subject subject, const Rows& rows) {
  if (IsKeyed(subject)) return AddKeyed(subject, rows);
  switch (subject) {
    case Subject::kClients:
      return Tally(rows, clients_);
    case Subject::kServers:
      return Tally(rows, servers_);
    default:
      AddTable(subject, rows);
  }
}

void PgBouncer::AddTable(Subject subject, const Rows& rows) {
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    Labels labels = Named();
    for (const std::string_view label : LabelsOf(subject)) {
      labels.emplace_back(label, TextOf(rows, row, label));
    }
    for (const Cell& cell : kCells) {
      if (cell.subject != subject) continue;
      const auto number = Number(rows, row, cell.column);
      if (!number) continue;
      sheet_.Add(cell.metric, labels, *number / cell.units);
      if (!cell.also) continue;
      sheet_.Add({cell.also, cell.metric.type, cell.metric.help}, labels, *number / cell.units);
    }
    if (subject != Subject::kPools) continue;
    const auto seconds = Number(rows, row, "maxwait");
    const double more = Number(rows, row, "maxwait_us").value_or(0) / kMicroseconds;
    if (seconds) sheet_.Add(kWait, labels, *seconds + more);
  }
}

/// Answers whose rows are a name and a value, in their first two columns.
void PgBouncer::AddKeyed(Subject subject, const Rows& rows) {
  for (std::size_t row = 0; row < rows.rows() && rows.columns() > 0; ++row) {
    const std::string_view key = rows.at(row, 0).value_or("");
    if (subject == Subject::kVersion) {
      Labels labels = Named();
      labels.emplace_back("version", key.substr(0, 100));
      sheet_.Add(kVersion, labels, 1);
      return;
    }
    if (rows.columns() < 2) return;
    const std::string_view value = rows.at(row, 1).value_or("");
    if (subject == Subject::kState) {
      if (key != "active" && key != "paused" && key != "suspended") continue;
      Labels labels = Named();
      labels.emplace_back("state", key);
      sheet_.Add(kState, labels, value == "yes" ? 1 : 0);
      continue;
    }
    for (const Cell& cell : kCells) {
      if (cell.subject != subject || key != cell.column) continue;
      const std::optional<double> number = ParseDouble(value);
      if (!number) ++unreadable_;
      sheet_.Add(cell.metric, Named(), number);
    }
  }
}

void PgBouncer::Tally(const Rows& rows, std::map<Key, Connections>& into) {
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    Key key(TextOf(rows, row, "database"), TextOf(rows, row, "user"), TextOf(rows, row, "state"));
    if (into.size() == kMostTallied && !into.contains(key)) {
      ++unreadable_;
      continue;
    }
    Connections& connections = into[std::move(key)];
    ++connections.count;
    if (!TextOf(rows, row, "tls").empty()) ++connections.tls;
    if (TextOf(rows, row, "close_needed") == "1") ++connections.closing;
  }
}

void PgBouncer::AddTallied(bool clients, const std::map<Key, Connections>& tallied) {
  std::map<std::pair<std::string, std::string>, Connections> sums;
  for (const auto& [key, connections] : tallied) {
    const auto& [database, user, state] = key;
    Labels labels = Named();
    labels.emplace_back("database", database);
    labels.emplace_back("user", user);
    labels.emplace_back("state", state);
    sheet_.Add(kConnections[clients], labels, connections.count);
    Connections& sum = sums[{database, user}];
    sum.tls += connections.tls;
    sum.closing += connections.closing;
  }
  for (const auto& [key, sum] : sums) {
    Labels labels = Named();
    labels.emplace_back("database", key.first);
    labels.emplace_back("user", key.second);
    sheet_.Add(kTls[clients], labels, sum.tls);
    sheet_.Add(kClosing[clients], labels, sum.closing);
  }
}

Families PgBouncer::Take() {
  AddTallied(true, clients_);
  AddTallied(false, servers_);
  return sheet_.Take();
}

Families PgBouncerState(const std::string& name, const std::string& reason,
                        const std::vector<std::string>& reasons) {
  Sheet sheet;
  sheet.Add(kUp, {{"pgbouncer", name}}, reason == "ok" ? 1 : 0);
  for (const std::string& other : reasons) {
    sheet.Add(kReason, {{"pgbouncer", name}, {"reason", other}}, other == reason ? 1 : 0);
  }
  return sheet.Take();
}

}  // namespace pgbeacon::collectors
