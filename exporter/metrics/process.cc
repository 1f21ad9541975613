#include "exporter/metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"

namespace pgbeacon::metrics {
namespace {

std::string ReadWhole(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void AppendOne(Families& families, const char* name, MetricType type, const char* help,
               double value) {
  AddSample(AddFamily(families, name, type, help), {}, value);
}

/// The kernel's boot time in seconds since the epoch.
std::optional<double> BootTime() {
  for (const std::string& line : Split(ReadWhole("/proc/stat"), '\n')) {
    if (line.starts_with("btime ")) return ParseDouble(line.substr(6));
  }
  return std::nullopt;
}

std::optional<double> OpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  double count = 0;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(directory);
  return count - 1;  // the directory itself
}

/// The fields of /proc/self/stat from the third on: the second, the name, may hold blanks.
std::vector<std::string> StatFields() {
  const std::string stat = ReadWhole("/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  return Split(Trim(std::string_view(stat).substr(name_end + 1)), ' ');
}

}  // namespace

void AppendProcess(Families& families) {
  const std::vector<std::string> stat = StatFields();
  const auto field = [&](std::size_t number) {  // as proc(5) numbers them
    return stat.size() > number - 3 ? ParseDouble(stat[number - 3]) : std::nullopt;
  };
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (const auto user = field(14), system = field(15); user && system) {
    AppendOne(families, "process_cpu_seconds_total", MetricType::Counter,
              "CPU time used by pgbeacon, user and system.", (*user + *system) / ticks);
  }
  if (const auto start = field(22), boot = BootTime(); start && boot) {
    AppendOne(families, "process_start_time_seconds", MetricType::Gauge,
              "Start of the process in seconds since the Unix epoch.", *boot + *start / ticks);
  }
  if (const auto bytes = field(23)) {
    AppendOne(families, "process_virtual_memory_bytes", MetricType::Gauge, "Virtual memory.",
              *bytes);
  }
  if (const auto pages = field(24)) {
    AppendOne(families, "process_resident_memory_bytes", MetricType::Gauge, "Resident memory.",
              *pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  if (const auto open = OpenFiles()) {
    AppendOne(families, "process_open_fds", MetricType::Gauge, "Open file descriptors.", *open);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    AppendOne(families, "process_max_fds", MetricType::Gauge, "Limit of open file descriptors.",
              static_cast<double>(limit.rlim_cur));
  }
}

void AppendBuildInfo(Families& families) {
  Family& family = AddFamily(families, "pgbeacon_build_info", MetricType::Gauge,
                             "Version, git revision and compiler of this pgbeacon; always 1.");
  AddSample(family, {{"version", Version()}, {"revision", Revision()}, {"compiler", __VERSION__}},
            1);
}

const char* Version() { return PGB_VERSION; }

const char* Revision() { return PGB_REVISION; }

}  // namespace pgbeacon::metrics
