#include "collectors/native/cgroup.h"

#include <limits>
#include <vector>

#include "base/text.h"
#include "collectors/native/host.h"
#include "collectors/native/proc_text.h"

namespace pgbeacon::collectors {
namespace {

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;
constexpr double kMicroseconds = 1e6;  // of a second

/// One number: a whole file, or the line of a file that begins with `key`.
struct Cell {
  const char* file;
  const char* key;
  double units;  ///< of the file, in one of the metric's
  Metric metric;
  const char* label = nullptr;  ///< its name
  const char* value = nullptr;
};

// clang-format off
constexpr Metric kEvents = {"pg_cgroup_memory_events_total", kCounter, "How often the group met a limit of memory, by what happened."};
constexpr Metric kUse = {"pg_cgroup_memory_use_bytes", kGauge, "Memory that the group uses, by kind."};
constexpr Cell kCells[] = {
    {"cpu.stat", "usage_usec ", kMicroseconds, {"pg_cgroup_cpu_usage_seconds_total", kCounter, "CPU time that the group has used."}},
    {"cpu.stat", "user_usec ", kMicroseconds, {"pg_cgroup_cpu_user_seconds_total", kCounter, "CPU time that the group has used in programs."}},
    {"cpu.stat", "system_usec ", kMicroseconds, {"pg_cgroup_cpu_system_seconds_total", kCounter, "CPU time that the group has used in the kernel."}},
    {"cpu.stat", "nr_periods ", 1, {"pg_cgroup_cpu_periods_total", kCounter, "Periods in which the limit of CPU time was kept watch on."}},
    {"cpu.stat", "nr_throttled ", 1, {"pg_cgroup_cpu_throttled_periods_total", kCounter, "Periods in which the group had used up its CPU time."}},
    {"cpu.stat", "throttled_usec ", kMicroseconds, {"pg_cgroup_cpu_throttled_seconds_total", kCounter, "Time for which the group was held back from the CPU."}},
    {"memory.current", "", 1, {"pg_cgroup_memory_bytes", kGauge, "Memory that the group uses, the page cache of its files included."}},
    {"memory.peak", "", 1, {"pg_cgroup_memory_peak_bytes", kGauge, "Most memory that the group has used."}},
    {"memory.high", "", 1, {"pg_cgroup_memory_high_bytes", kGauge, "Memory from which on the group is slowed down."}},
    {"memory.max", "", 1, {"pg_cgroup_memory_limit_bytes", kGauge, "Most memory that the group may use."}},
    {"memory.swap.current", "", 1, {"pg_cgroup_swap_bytes", kGauge, "Swap space that the group uses."}},
    {"memory.swap.peak", "", 1, {"pg_cgroup_swap_peak_bytes", kGauge, "Most swap space that the group has used."}},
    {"memory.swap.max", "", 1, {"pg_cgroup_swap_limit_bytes", kGauge, "Most swap space that the group may use."}},
    {"pids.current", "", 1, {"pg_cgroup_processes", kGauge, "Processes and threads of the group."}},
    {"pids.max", "", 1, {"pg_cgroup_processes_limit", kGauge, "Most processes and threads that the group may have."}},
    {"memory.events", "high ", 1, kEvents, "event", "high"},
    {"memory.events", "max ", 1, kEvents, "event", "max"},
    {"memory.events", "oom ", 1, kEvents, "event", "oom"},
    {"memory.events", "oom_kill ", 1, kEvents, "event", "oom_kill"},
    {"memory.stat", "anon ", 1, kUse, "kind", "anon"},
    {"memory.stat", "file ", 1, kUse, "kind", "file"},
    {"memory.stat", "shmem ", 1, kUse, "kind", "shmem"},
    {"memory.stat", "kernel ", 1, kUse, "kind", "kernel"},
    {"memory.stat", "file_dirty ", 1, kUse, "kind", "file_dirty"},
};
constexpr Metric kCpuLimit = {"pg_cgroup_cpu_limit_cores", kGauge, "CPUs whose whole time the group may use."};
constexpr Metric kWaiting = {"pg_cgroup_pressure_waiting_seconds_total", kCounter, "Time in which some process of the group waited for the resource."};
constexpr Metric kStalled = {"pg_cgroup_pressure_stalled_seconds_total", kCounter, "Time in which all processes of the group waited for the resource."};
struct IoCell { const char* key; Metric metric; };
constexpr IoCell kIo[] = {
    {"rbytes=", {"pg_cgroup_io_read_bytes_total", kCounter, "Bytes that the group has read from the device."}},
    {"wbytes=", {"pg_cgroup_io_written_bytes_total", kCounter, "Bytes that the group has written to the device."}},
    {"rios=", {"pg_cgroup_io_reads_total", kCounter, "Reads of the group from the device."}},
    {"wios=", {"pg_cgroup_io_writes_total", kCounter, "Writes of the group to the device."}},
};
// clang-format on

std::string_view TextOf(const CgroupFiles& files, const std::string& name) {
  const auto found = files.find(name);
  return found == files.end() ? std::string_view() : std::string_view(found->second);
}

void AddCpuLimit(std::string_view text, Sheet& sheet) {
  const std::vector<std::string_view> words = Words(text);  // "200000 100000", "max 100000"
  if (words.size() < 2) return;
  const auto quota = ParseDouble(words[0]);
  const auto period = ParseDouble(words[1]);
  if (quota && period && *period > 0) sheet.Add(kCpuLimit, {}, *quota / *period);
}

void AddIo(std::string_view text, const std::function<std::string(std::string_view)>& device_name,
           Sheet& sheet) {
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty()) continue;
    std::string device = device_name(words[0]);
    if (device.empty()) device = words[0];
    for (const std::string_view word : words) {
      for (const IoCell& cell : kIo) {
        if (!word.starts_with(cell.key)) continue;
        const auto number = ParseDouble(word.substr(std::string_view(cell.key).size()));
        sheet.Add(cell.metric, {{"device", device}}, number);
      }
    }
  }
}

/// What a file of a limit allows: "max", "4194304", "150000 100000".
double Allowed(std::string_view text) {
  const std::vector<std::string_view> words = Words(text);
  const auto limit = words.empty() ? std::nullopt : ParseDouble(words[0]);
  if (!limit) return std::numeric_limits<double>::infinity();
  return *limit / (words.size() > 1 ? ParseDouble(words[1]).value_or(1) : 1);
}

}  // namespace

std::string TighterLimit(const std::string& one, const std::string& other) {
  return Allowed(other) < Allowed(one) ? other : one;
}

std::optional<std::string> CgroupPath(std::string_view text) {
  for (const std::string_view line : Lines(text)) {
    if (!line.starts_with("0::/")) continue;
    const std::string path(line.substr(3));
    if (path.find("/..") != std::string::npos) return std::nullopt;
    return path;
  }
  return std::nullopt;
}

void AddCgroup(const CgroupFiles& files,
               const std::function<std::string(std::string_view)>& device_name, Sheet& sheet) {
  for (const Cell& cell : kCells) {
    const std::string_view text = TextOf(files, cell.file);
    if (Trim(text) == "max") continue;
    const auto number = NumberOf(text, cell.key);
    Labels labels;
    if (cell.label) labels.emplace_back(cell.label, cell.value);
    if (number) sheet.Add(cell.metric, labels, *number / cell.units);
  }
  AddCpuLimit(TextOf(files, "cpu.max"), sheet);
  for (const char* resource : {"cpu", "memory", "io"}) {
    const StallSeconds stalls = DecodeStalls(TextOf(files, std::string(resource) + ".pressure"));
    sheet.Add(kWaiting, {{"resource", resource}}, stalls.some);
    sheet.Add(kStalled, {{"resource", resource}}, stalls.full);
  }
  AddIo(TextOf(files, "io.stat"), device_name, sheet);
}

}  // namespace pgbeacon::collectors
