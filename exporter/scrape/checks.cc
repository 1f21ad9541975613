#include "exporter/scrape/checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "exporter/scrape/page_query.h"

namespace pgbeacon::scrape {
namespace {

using collectors::Host;
using collectors::Pressure;

/// What a row judges: the page, and the host where it is known.
struct Input {
  const Families& page;
  const Host* host;
};

constexpr double kMinFreeShare = 0.10;
constexpr double kMaxPressure = 0.10;
constexpr double kMaxReplicationLagSeconds = 3;

CheckResult Unknown(const std::string& why) { return {"", CheckStatus::kUnknown, why}; }

CheckStatus OkIf(bool ok) { return ok ? CheckStatus::kOk : CheckStatus::kCritical; }

std::string DownReason(const Families& page) {
  return "the server does not answer: " +
         LabelWhereOne(page, "pg_up_reason", "reason").value_or("not asked");
}

bool Up(const Families& page) { return Value(page, "pg_up").value_or(0) == 1; }

CheckResult Transactions(const Input& in) {
  if (!Up(in.page)) return {"", CheckStatus::kCritical, DownReason(in.page)};
  const auto replica = Value(in.page, "pg_replication_is_replica");
  if (!replica) return Unknown("the server's role is unknown");
  return {"", CheckStatus::kOk, *replica == 1 ? "read-only" : "read/write"};
}

CheckResult Connections(const Input& in) {
  if (!Up(in.page)) return Unknown("not known while the server does not answer");
  const auto used = Value(in.page, "pg_connections_used");
  const auto reserved = Value(in.page, "pg_connections_reserved");
  const auto max = Value(in.page, "pg_connections_max");
  if (!used || !reserved || !max) return Unknown("collector connections gave no answer");
  const double free = *max - *reserved - *used;
  return {"", free > 0 ? CheckStatus::kOk : CheckStatus::kWarning,
          fmt::format("{} used, {} reserved, {} max", *used, *reserved, *max)};
}

CheckResult Replication(const Input& in) {
  if (!Up(in.page)) return Unknown("not known while the server does not answer");
  if (Value(in.page, "pg_replication_is_replica").value_or(0) == 1) {
    const auto lag = Value(in.page, "pg_replication_lag_seconds");
    if (!lag) return Unknown("the replay lag is unknown: nothing was replayed yet");
    return {"", OkIf(*lag < kMaxReplicationLagSeconds),
            fmt::format("replaying {:.3f} s behind", *lag)};
  }
  const auto lags = Values(in.page, "pg_stat_replication_replay_lag_seconds");
  const std::size_t standbys = Values(in.page, "pg_stat_replication_pg_wal_lsn_diff").size();
  if (standbys == 0) return {"", CheckStatus::kOk, "no standby is connected"};
  const double worst = lags.empty() ? 0 : *std::ranges::max_element(lags);
  return {"", OkIf(worst < kMaxReplicationLagSeconds),
          fmt::format("{} standby(s), slowest replay {:.3f} s behind", standbys, worst)};
}

CheckResult Role(const Input& in) {
  if (!Up(in.page)) return {"", CheckStatus::kCritical, "offline"};
  const auto replica = Value(in.page, "pg_replication_is_replica");
  if (!replica) return Unknown("unknown");
  return {"", CheckStatus::kOk, *replica == 1 ? "replica" : "primary"};
}

CheckResult Elsewhere() { return Unknown("not known from here: the server is on another host"); }

CheckResult FreeDisk(const Input& in) {
  if (in.host == nullptr) return Elsewhere();
  if (!in.host->disk) return Unknown("the data directory cannot be read");
  const collectors::Disk& disk = *in.host->disk;
  const double share = disk.free_bytes / disk.size_bytes;
  return {"", OkIf(share >= kMinFreeShare),
          fmt::format("{:.1f} GiB ({:.1f} %) free on {}", disk.free_bytes / (1 << 30), share * 100,
                      disk.path)};
}

CheckResult LoadAverage(const Input& in) {
  if (in.host == nullptr) return Elsewhere();
  if (!in.host->load) return Unknown("/proc/loadavg cannot be read");
  const collectors::Load& load = *in.host->load;
  const double cpus = in.host->cpus;
  const bool ok = load.one / cpus <= 10 && load.five / cpus <= 4 && load.fifteen / cpus <= 2;
  return {"", OkIf(ok),
          fmt::format("load averages: {:.2f} {:.2f} {:.2f} on {} CPUs", load.one, load.five,
                      load.fifteen, in.host->cpus)};
}

CheckResult JudgePressure(const std::optional<Pressure>& pressure, const char* what) {
  if (!pressure) return Unknown("the kernel does not report pressure stalls");
  const double worst = std::max({pressure->avg10, pressure->avg60, pressure->avg300});
  return {"", OkIf(worst <= kMaxPressure),
          fmt::format("waited for {} {:.1f} %, {:.1f} %, {:.1f} % of the last 10, 60, 300 s", what,
                      pressure->avg10 * 100, pressure->avg60 * 100, pressure->avg300 * 100)};
}

CheckResult MemoryPressure(const Input& in) {
  return in.host == nullptr ? Elsewhere() : JudgePressure(in.host->memory, "memory");
}

CheckResult CpuPressure(const Input& in) {
  return in.host == nullptr ? Elsewhere() : JudgePressure(in.host->cpu, "CPU");
}

CheckResult IoPressure(const Input& in) {
  return in.host == nullptr ? Elsewhere() : JudgePressure(in.host->io, "I/O");
}

/// One check: its suite, its name and its judgement.
struct Row {
  const char* suite;
  const char* name;
  CheckResult (*judge)(const Input&);
};

constexpr Row kRows[] = {
    {"pg", "transactions", Transactions},
    {"pg", "replication", Replication},
    {"pg", "connections", Connections},
    {"role", "role", Role},
    {"vm", "disk", FreeDisk},
    {"vm", "load", LoadAverage},
    {"vm", "memory", MemoryPressure},
    {"vm", "cpu", CpuPressure},
    {"vm", "io", IoPressure},
};

}  // namespace

CheckStatus WorstOf(const std::vector<CheckResult>& checks) {
  CheckStatus worst = CheckStatus::kUnknown;
  for (const CheckResult& check : checks) {
    if (check.status == CheckStatus::kUnknown) continue;
    if (worst == CheckStatus::kUnknown || check.status > worst) worst = check.status;
  }
  return worst;
}

const char* CheckStatusName(CheckStatus status) {
  constexpr const char* kNames[] = {"passing", "warning", "critical", "unknown"};
  return kNames[static_cast<int>(status)];
}

std::vector<Suite> RunChecks(const Families& page, const std::optional<Host>& host) {
  const Input input{page, host ? &*host : nullptr};
  std::vector<Suite> suites;
  for (const Row& row : kRows) {
    if (suites.empty() || suites.back().name != row.suite) suites.push_back({row.suite, {}, {}});
    CheckResult result = row.judge(input);
    result.name = row.name;
    suites.back().checks.push_back(std::move(result));
  }
  for (Suite& suite : suites) suite.status = WorstOf(suite.checks);
  return suites;
}

}  // namespace pgbeacon::scrape
