#include "exporter/scrape/measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "exporter/scrape/page_query.h"

namespace pgbeacon::scrape {
namespace {

constexpr const char* kServerLabel = "server";  // of the peer's names: the target itself

std::string_view LabelOf(const ClientMetric& metric, std::string_view name) {
  const auto found =
      std::ranges::find(metric.label, name, [](const auto& label) { return label.name; });
  return found == metric.label.end() ? std::string_view() : std::string_view(found->value);
}

/// "datname=orders slot_name=a"
std::string Where(const ClientMetric& metric) {
  std::string where;
  for (const auto& label : metric.label) {
    if (label.name == kServerLabel) continue;
    where += (where.empty() ? "" : " ") + label.name + "=" + label.value;
  }
  return where;
}

double ValueOf(const Family& family, const ClientMetric& metric) {
  return family.type == MetricType::Gauge ? metric.gauge.value : metric.untyped.value;
}

/// Every sample of a family of gauges that `wanted` takes.
template <class Wanted>
std::vector<Found> Each(const Sheet& sheet, std::string_view name, Wanted wanted) {
  std::vector<Found> all;
  for (const Family& family : sheet.page) {
    if (family.name != name) continue;
    for (const ClientMetric& metric : family.metric) {
      if (!wanted(metric)) continue;
      Found found;
      found.value = ValueOf(family, metric);
      found.where = Where(metric);
      all.push_back(std::move(found));
    }
  }
  return all;
}

/// The value of the sample with these labels.
std::optional<double> Beside(const Families& page, std::string_view name,
                             std::initializer_list<const char*> labels,
                             const ClientMetric& metric) {
  for (const Family& family : page) {
    if (family.name != name) continue;
    for (const ClientMetric& other : family.metric) {
      const bool same = std::ranges::all_of(labels, [&](const char* label) {
        return LabelOf(metric, label) == LabelOf(other, label);
      });
      if (same) return ValueOf(family, other);
    }
  }
  return std::nullopt;
}

std::vector<Found> One(double value) {
  Found found;
  found.value = value;
  return {std::move(found)};
}

std::vector<Found> AsNamed(const Sheet& sheet) {
  return Each(sheet, sheet.metric, [](const ClientMetric&) { return true; });
}

std::vector<Found> ConnectionsUsed(const Sheet& sheet) {
  const auto used = Value(sheet.page, "pg_connections_used");
  const auto max = Value(sheet.page, "pg_connections_max");
  const auto reserved = Value(sheet.page, "pg_connections_reserved");
  if (!used || !max || !reserved || *max <= *reserved) return {};
  return One(*used / (*max - *reserved));
}

std::vector<Found> ReplicationLag(const Sheet& sheet) {
  std::vector<Found> found = AsNamed(sheet);
  const auto bytes = Value(sheet.page, "pg_replication_replay_lag_bytes");
  for (Found& one : found) one.more["bytes"] = bytes.value_or(0);
  return found;
}

std::vector<Found> InactiveSlots(const Sheet& sheet) {
  return Each(sheet, sheet.metric, [&sheet](const ClientMetric& metric) {
    return Beside(sheet.page, "pg_replication_slot_active", {"slot_name"}, metric) == 0;
  });
}

std::vector<Found> SlotsAtRisk(const Sheet& sheet) {
  return Each(sheet, sheet.metric, [](const ClientMetric& metric) {
    const std::string_view status = LabelOf(metric, "wal_status");
    return status == "unreserved" || status == "lost";
  });
}

std::vector<Found> StandbysMissing(const Sheet& sheet) {
  const auto required = Value(sheet.page, "pg_synchronous_standbys_required");
  const auto connected = Value(sheet.page, "pg_synchronous_standbys_connected");
  const auto commit = Value(sheet.page, "pg_synchronous_commit");
  const auto replica = Value(sheet.page, "pg_replication_is_replica");
  if (!required || !connected || !commit || !replica) return {};
  return One(*replica == 1 || *commit == 0 ? 0 : *required - *connected);
}

bool IsBulkReader(std::string_view application) {
  return application == "pg_dump" || application == "pg_dumpall" ||
         application == "pg_basebackup" || application.starts_with("pgBackRest");
}

std::vector<Found> LongTransactions(const Sheet& sheet) {
  return Each(sheet, "pg_stat_activity_max_tx_duration", [](const ClientMetric& metric) {
    return LabelOf(metric, "backend_type") == "client backend" &&
           !LabelOf(metric, "state").starts_with("idle in transaction") &&
           !IsBulkReader(LabelOf(metric, "application_name"));
  });
}

std::vector<Found> SynchronousWaits(const Sheet& sheet) {
  return Each(sheet, "pg_stat_activity_max_tx_duration", [](const ClientMetric& metric) {
    return LabelOf(metric, "wait_event_type") == "IPC" &&
           LabelOf(metric, "wait_event") == "SyncRep";
  });
}

std::vector<Found> XidAge(const Sheet& sheet) {
  std::vector<Found> all;
  for (const char* kind : {"xid", "mxid"}) {
    const std::string name = std::string("pg_database_") + kind;
    for (const Family& family : sheet.page) {
      if (family.name != name + "_age") continue;
      for (const ClientMetric& metric : family.metric) {
        Found found;
        found.value = ValueOf(family, metric);
        found.where = std::string(kind) + " " + Where(metric);
        const auto ratio = Beside(sheet.page, name + "_freeze_max_age_ratio", {"datname"}, metric);
        if (ratio) found.more["ratio"] = *ratio;
        all.push_back(std::move(found));
      }
    }
  }
  return all;
}

std::vector<Found> DiskFree(const Sheet& sheet) {
  std::vector<Found> all;
  for (const Family& family : sheet.page) {
    if (family.name != "pg_host_filesystem_available_bytes") continue;
    for (const ClientMetric& metric : family.metric) {
      const auto size =
          Beside(sheet.page, "pg_host_filesystem_size_bytes", {"use", "tablespace"}, metric);
      if (!size || *size <= 0) continue;
      Found found;
      found.value = ValueOf(family, metric) / *size;
      found.where = Where(metric);
      all.push_back(std::move(found));
    }
  }
  return all;
}

/// The age of the newest backup of each name; `type`: of that type alone.
std::vector<Found> Backups(const Sheet& sheet, std::string_view type) {
  std::map<std::string, double> newest;
  for (const Family& family : sheet.page) {
    if (family.name != "pg_backup_last_timestamp_seconds") continue;
    for (const ClientMetric& metric : family.metric) {
      if (!type.empty() && LabelOf(metric, "type") != type) continue;
      const std::string where =
          fmt::format("name={} repo={}", LabelOf(metric, "name"), LabelOf(metric, "repo"));
      double& at = newest[where];
      at = std::max(at, ValueOf(family, metric));
    }
  }
  std::vector<Found> all;
  for (const auto& [where, at] : newest) {
    Found found;
    found.value = sheet.now - at;
    found.where = where;
    all.push_back(std::move(found));
  }
  return all;
}

std::vector<Found> BackupAge(const Sheet& sheet) { return Backups(sheet, ""); }
std::vector<Found> FullBackupAge(const Sheet& sheet) { return Backups(sheet, "full"); }

std::vector<Found> CertificateLifetime(const Sheet& sheet) {
  std::vector<Found> all = AsNamed(sheet);
  for (Found& found : all) found.value -= sheet.now;
  return all;
}

/// Those that are listed as failed while the server is up.
std::vector<Found> Collectors(const Sheet& sheet) {
  return Value(sheet.page, "pg_up") == 1.0 ? AsNamed(sheet) : std::vector<Found>();
}

std::vector<Found> Breaker(const Sheet& sheet) {
  return Each(sheet, sheet.metric, [](const ClientMetric& metric) {
    return LabelOf(metric, "reason") == "breaker_open";
  });
}

constexpr Measure kMeasures[] = {
    {"server_up", "", AsNamed},
    {"connections_used", "connections", ConnectionsUsed},
    {"idle_in_transaction", "activity", AsNamed},
    {"entrypoint_up", "", AsNamed},
    {"entrypoint_primary", "entrypoint", AsNamed},
    {"replication_lag", "replication", ReplicationLag},
    {"wal_receiver", "", AsNamed},
    {"slot_inactive", "replication_slots", InactiveSlots},
    {"slot_wal", "replication_slots", SlotsAtRisk},
    {"synchronous_standbys", "synchronous_standbys", StandbysMissing},
    {"synchronous_waits", "stat_activity", SynchronousWaits},
    {"archive_backlog", "archive_status", AsNamed},
    {"blocked_sessions", "blocking", AsNamed},
    {"long_transaction", "stat_activity", LongTransactions},
    {"xid_age", "database_wraparound", XidAge},
    {"xmin_horizon", "xmin_horizon", AsNamed},
    {"sequence_used", "sequences", AsNamed},
    {"disk_free", "", DiskFree},
    {"backup_age", "", BackupAge},
    {"full_backup_age", "", FullBackupAge},
    {"backup_success", "", AsNamed},
    {"hba_errors", "hba_rules", AsNamed},
    {"certificate_lifetime", "", CertificateLifetime},
    {"collectors", "", Collectors},
    {"breaker", "", Breaker},
};

}  // namespace

const Measure* FindMeasure(std::string_view check) {
  const auto* found = std::ranges::find(kMeasures, check, &Measure::check);
  return found == std::end(kMeasures) ? nullptr : found;
}

std::optional<bool> CollectorRan(const Families& page, std::string_view collector) {
  for (const Family& family : page) {
    if (family.name != "pg_scrape_collector_success") continue;
    for (const ClientMetric& metric : family.metric) {
      if (LabelOf(metric, "collector") == collector) return metric.gauge.value == 1;
    }
  }
  return std::nullopt;
}

std::string InUnit(double value, const std::string& unit) {
  if (unit == "ratio") return fmt::format("{:.1f} %", value * 100);
  if (unit == "seconds") {
    constexpr double kHour = 3600;
    constexpr double kDay = 86400;
    if (value >= 2 * kDay) return fmt::format("{:.1f} days", value / kDay);
    return value >= 2 * kHour ? fmt::format("{:.1f} h", value / kHour)
                              : fmt::format("{:.1f} s", value);
  }
  if (unit != "bytes") return fmt::format("{:.0f}", value);
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t step = 0;
  for (; value >= 1024 && step + 1 < std::size(kUnits); ++step) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[step]);
}

}  // namespace pgbeacon::scrape
