#include "exporter/cli/native_examples.h"

#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/native/backup.h"
#include "collectors/native/cgroup.h"
#include "collectors/native/entrypoint.h"
#include "collectors/native/host_families.h"
#include "collectors/native/patroni.h"
#include "collectors/native/pgbackrest.h"
#include "collectors/native/pgbouncer.h"

namespace pgbeacon::cli {
namespace {

constexpr std::string_view kStalls =
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 "
    "total=1\n";

Families ExampleHost() {
  collectors::HostReport report;
  report.cpus = 1;
  report.boot_time = 1;
  report.load = collectors::Load{};
  report.memory = collectors::DecodeMemory(
      "MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: 1 kB\nCached: 1 kB\nShmem: 1 kB\nDirty: 1 kB\n"
      "Committed_AS: 1 kB\nSwapTotal: 1 kB\nSwapFree: 1 kB\n");
  report.server_memory = 1;
  report.cpu_seconds = {{"user", 1}};
  report.stalls = {{"cpu", collectors::DecodeStalls(kStalls)}};
  collectors::Place place;
  place.use = "data";
  place.disk.inodes = 1;
  place.io = collectors::DecodeDiskIo("8 0 sda 1 1 1 1 1 1 1 1 1 1 1\n", 8, 0);
  report.places.push_back(place);
  collectors::Sheet sheet;
  AddHost(report, sheet);
  collectors::CgroupFiles files;
  for (const char* name : collectors::kCgroupFiles) {
    const std::string_view file = name;
    files[name] = file.ends_with(".pressure") ? std::string(kStalls) : "1\n";
  }
  files["cpu.stat"] =
      "usage_usec 1\nuser_usec 1\nsystem_usec 1\nnr_periods 1\nnr_throttled 1\nthrottled_usec 1\n";
  files["cpu.max"] = "1 1\n";
  files["memory.events"] = "high 1\n";
  files["memory.stat"] = "anon 1\n";
  files["io.stat"] = "8:0 rbytes=1 wbytes=1 rios=1 wios=1\n";
  AddCgroup(
      files, [](std::string_view) { return "sda"; }, sheet);
  return sheet.Take();
}

Families ExamplePgBouncer() {
  collectors::PgBouncer decoder("example");
  for (const collectors::Show& show : collectors::kShows) {
    std::vector<std::string> columns = collectors::PgBouncer::ColumnsOf(show.subject);
    std::vector<collectors::MemoryRows::Row> rows;
    if (collectors::PgBouncer::IsKeyed(show.subject)) {
      for (const std::string& key : columns) rows.push_back({key, "1"});
      columns = {"key", "value"};
    } else {
      rows.emplace_back(columns.size(), "1");
    }
    decoder.Add(show.subject, collectors::MemoryRows(columns, rows));
  }
  Families families = decoder.Take();
  for (Family& family : collectors::PgBouncerState("example", "ok", {"ok"})) {
    families.push_back(std::move(family));
  }
  return families;
}

Families ExamplePatroni() {
  collectors::Patroni decoder;
  const bool read =
      decoder
          .AddMember(R"({"state": "running", "role": "replica", "server_version": 150000,
  "postmaster_start_time": "2026-01-01 00:00:00+00:00", "timeline": 1, "dcs_last_seen": 1,
  "xlog": {"location": 1, "received_location": 1, "replayed_location": 1, "paused": false,
           "replayed_timestamp": "2026-01-01 00:00:00+00:00"},
  "patroni": {"version": "3.0.2", "scope": "example", "name": "example"}})")
          .ok() &&
      decoder
          .AddCluster(R"({"members": [{"name": "example", "role": "replica", "state": "running",
  "host": "example", "timeline": 1, "lag": 0}],
  "scheduled_switchover": {"at": "2026-01-01T00:00:00+00:00"}})")
          .ok() &&
      decoder
          .AddConfig(R"({"ttl": 30, "loop_wait": 10, "retry_timeout": 10,
  "maximum_lag_on_failover": 1048576})")
          .ok();
  std::size_t dropped = 0;
  Families families = collectors::PatroniUp(read);
  for (Family& family : decoder.Take(1, dropped)) families.push_back(std::move(family));
  return families;
}

Families ExamplePgBackRest() {
  const Result<collectors::BackrestInfo> info = collectors::ReadBackrestInfo(R"([{"name": "example",
  "status": {"code": 0, "lock": {"backup": {"held": true, "size": 1, "size-cplt": 1}}},
  "repo": [{"key": 1, "cipher": "none", "status": {"code": 0}}],
  "db": [{"id": 1, "repo-key": 1, "system-id": 1, "version": "15"}],
  "archive": [{"database": {"id": 1, "repo-key": 1}, "id": "15-1",
               "min": "000000010000000000000001", "max": "000000010000000000000002"}],
  "backup": [{"label": "example", "type": "full", "error": false, "annotation": {"a": "b"},
              "database": {"id": 1, "repo-key": 1}, "backrest": {"version": "2.45"},
              "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"},
              "lsn": {"start": "0/1", "stop": "0/2"}, "prior": "example",
              "timestamp": {"start": 1, "stop": 2},
              "info": {"delta": 1, "size": 1,
                       "repository": {"delta": 1, "size": 1, "delta-map": 1, "size-map": 1}}}]}])");
  collectors::BackrestContext context;
  context.now = 3;
  context.system_identifier = "1";
  context.major = 15;
  context.wal_segment_bytes = 16777216;
  std::size_t dropped = 0;
  return info.ok() ? BackrestFamilies(*info, context, dropped) : Families();
}

Families ExampleBackups() {
  collectors::BackupSet set;
  set.name = set.kind = "example";
  collectors::Backup backup;
  backup.start = backup.size = backup.stored = 1;
  set.backups.push_back(backup);
  collectors::Sheet sheet;
  AddBackups(set, 1, sheet);
  return sheet.Take();
}

}  // namespace

Families ExampleNative(const std::string& collector) {
  if (collector == "host") return ExampleHost();
  if (collector == "entrypoint") {
    return collectors::EntrypointFamilies(
        {.connect_seconds = 1, .is_primary = true, .same_system = true});
  }
  if (collector == "pgbouncer") return ExamplePgBouncer();
  if (collector == "patroni") return ExamplePatroni();
  if (collector == "pgbackrest") return ExamplePgBackRest();
  return ExampleBackups();
}

}  // namespace pgbeacon::cli
