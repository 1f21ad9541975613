#include "exporter/metrics/expected.h"

namespace pgbeacon::metrics {
namespace {

constexpr std::string_view kOwnSession = "the session of the exporter there, which sees itself";
constexpr std::string_view kOurSession =
    "the session of this comparison, which sees itself at work and not at rest";

constexpr std::string_view kNull = "it has never happened: 0 there, no series here";
constexpr std::string_view kNone = "the table has no index or no TOAST: 0 there, no series here";
constexpr std::string_view kNoSlot = "a receiver without a slot: the process's number there";
constexpr std::string_view kSessions = "the sessions of the two exporters";
constexpr std::string_view kNumber = "*number*";
constexpr std::size_t kAny = static_cast<std::size_t>(-1);

// clang-format off
constexpr Expected kExpected[] = {
    {"pg_scrape_collector_success", "series", "collector", "replication_slot", 1,
     "the collector is called replication_slots here"},
    {"pg_scrape_collector_success", "series", "collector", "xlog_location", 1,
     "the collector is for servers before PostgreSQL 10 and does nothing there"},
    {"pg_stat_activity_count", "series", "state", "active", 1, kOwnSession},
    {"pg_stat_activity_count", "value", "state", "active", 1, kOwnSession},
    {"pg_stat_activity_max_tx_duration", "series", "state", "active", 1, kOwnSession},
    {"pg_stat_activity_max_tx_duration", "value", "state", "active", 1, kOwnSession},
    {"pg_stat_activity_count", "series", "application_name", "pgbeacon", 1, kOurSession},
    {"pg_stat_activity_max_tx_duration", "series", "application_name", "pgbeacon", 1, kOurSession},
    {"pg_stat_archiver_last_archive_age", "unset", "", "", kAny, kNull},
    {"pg_stat_user_tables_last_analyze", "unset", "", "", kAny, kNull},
    {"pg_stat_user_tables_last_autoanalyze", "unset", "", "", kAny, kNull},
    {"pg_stat_user_tables_last_autovacuum", "unset", "", "", kAny, kNull},
    {"pg_stat_user_tables_last_vacuum", "unset", "", "", kAny, kNull},
    {"pg_replication_slots_pg_wal_lsn_diff", "unset", "", "", kAny, kNull},
    {"pg_replication_slot_slot_confirmed_flush_lsn", "unset", "", "", kAny, kNull},
    {"pg_stat_user_tables_idx_scan", "unset", "", "", kAny, kNone},
    {"pg_stat_user_tables_idx_tup_fetch", "unset", "", "", kAny, kNone},
    {"pg_statio_user_tables_idx_blocks_hit", "unset", "", "", kAny, kNone},
    {"pg_statio_user_tables_idx_blocks_read", "unset", "", "", kAny, kNone},
    {"pg_statio_user_tables_tidx_blocks_hit", "unset", "", "", kAny, kNone},
    {"pg_statio_user_tables_tidx_blocks_read", "unset", "", "", kAny, kNone},
    {"pg_statio_user_tables_toast_blocks_hit", "unset", "", "", kAny, kNone},
    {"pg_statio_user_tables_toast_blocks_read", "unset", "", "", kAny, kNone},
    {"pg_stat_replication_pg_current_wal_lsn_bytes", "series", "slot_name", kNumber, kAny, kNoSlot},
    {"pg_stat_replication_pg_wal_lsn_diff", "series", "slot_name", kNumber, kAny, kNoSlot},
    {"pg_stat_replication_reply_time", "series", "slot_name", kNumber, kAny, kNoSlot},
    {"pg_stat_database_numbackends", "value", "", "", 1, kSessions},
    {"pg_settings_extra_float_digits", "value", "", "", 1,
     "the session's own value there, the server's here"},
};
// clang-format on

bool Matches(std::string_view wanted, const std::string& value) {
  if (wanted != kNumber) return value == wanted;
  return !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

const Expected* FindExpected(std::string_view metric, std::string_view kind,
                             const std::map<std::string, std::string>& labels) {
  for (const Expected& row : kExpected) {
    if (row.metric != metric || row.kind != kind) continue;
    const auto label = labels.find(std::string(row.label));
    if (row.label.empty() || (label != labels.end() && Matches(row.value, label->second)))
      return &row;
  }
  return nullptr;
}

}  // namespace pgbeacon::metrics
