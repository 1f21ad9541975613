#include "exporter/scrape/host_report.h"

#include <unistd.h>

#include <thread>

#include "base/text.h"
#include "exporter/scrape/host.h"

namespace pgbeacon::scrape {
namespace {

constexpr const char* kResources[] = {"cpu", "memory", "io"};
constexpr std::size_t kMostTablespaces = 1000;

void AddPlace(const std::string& use, const std::string& tablespace, const std::string& path,
              collectors::HostReport& report, Status& trouble) {
  std::optional<collectors::Disk> disk = ReadDisk(path);
  if (!disk) return;
  collectors::Place place;
  place.use = use;
  place.tablespace = tablespace;
  place.disk = *std::move(disk);
  place.io = ReadDiskIo(path, &trouble);
  report.places.push_back(std::move(place));
}

/// Where the hierarchy of version 2 is mounted: "/sys/fs/cgroup", or below it beside version 1.
std::string CgroupRoot(Status& trouble) {
  for (const std::string& line : Split(ReadText("/proc/self/mounts", &trouble), '\n')) {
    const std::vector<std::string> fields = Split(line, ' ');
    if (fields.size() > 2 && fields[2] == "cgroup2") return fields[1];
  }
  return "";
}

}  // namespace

collectors::HostReport ReadHostReport(const HostPlaces& places, int postmaster, Status& trouble) {
  collectors::HostReport report;
  const std::string stat = ReadText("/proc/stat", &trouble);
  if (const unsigned cpus = std::thread::hardware_concurrency(); cpus > 0) report.cpus = cpus;
  report.boot_time = collectors::DecodeBootTime(stat);
  report.cpu_seconds =
      collectors::DecodeCpuSeconds(stat, static_cast<double>(sysconf(_SC_CLK_TCK)));
  report.load = collectors::DecodeLoad(ReadText("/proc/loadavg", &trouble));
  report.memory = ReadMemory(&trouble);
  report.server_memory = ReadServerMemory(postmaster, &trouble);
  for (const char* resource : kResources) {
    const std::string text = ReadText(std::string("/proc/pressure/") + resource, &trouble);
    report.stalls.emplace_back(resource, collectors::DecodeStalls(text));
  }
  if (!places.data_directory.empty()) {
    AddPlace("data", "", places.data_directory, report, trouble);
    AddPlace("wal", "", places.data_directory + "/pg_wal", report, trouble);
  }
  for (const auto& [name, folder] : places.tablespaces) {
    if (report.places.size() == kMostTablespaces) break;
    AddPlace("tablespace", name, folder, report, trouble);
  }
  return report;
}

std::optional<collectors::CgroupFiles> ReadCgroup(int process, Status& trouble) {
  const std::optional<std::string> path =
      collectors::CgroupPath(ReadText("/proc/" + std::to_string(process) + "/cgroup", &trouble));
  const std::string root = CgroupRoot(trouble);
  if (!path || root.empty()) return std::nullopt;
  std::string folder = *path == "/" ? "" : *path;
  collectors::CgroupFiles files;
  for (const char* name : collectors::kCgroupFiles) {
    files[name] = ReadText(root + folder + "/" + name, &trouble);
  }
  while (!folder.empty()) {
    folder.resize(folder.rfind('/'));
    for (const char* name : collectors::kCgroupLimits) {
      const std::string above = ReadText(root + folder + "/" + name, &trouble);
      files[name] = collectors::TighterLimit(files[name], above);
    }
  }
  return files;
}

std::string DeviceName(std::string_view numbers) {
  const std::vector<std::string> parts = Split(numbers, ':');
  const auto major = parts.size() == 2 ? ParseInt(parts[0]) : std::nullopt;
  const auto minor = parts.size() == 2 ? ParseInt(parts[1]) : std::nullopt;
  if (!major || !minor || *major < 0 || *minor < 0) return "";
  const std::string uevent = ReadText("/sys/dev/block/" + std::string(numbers) + "/uevent");
  for (const std::string& line : Split(uevent, '\n')) {
    if (line.starts_with("DEVNAME=")) return line.substr(8);
  }
  return "";
}

}  // namespace pgbeacon::scrape
