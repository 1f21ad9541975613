#include "exporter/scrape/host.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/text.h"

namespace pgbeacon::scrape {
namespace {

/// A postmaster notes its start a little after its process began, and clocks are set.
constexpr double kStartTolerance = 60;

std::string OfProcess(int pid, const char* file, Status* trouble) {
  return ReadText("/proc/" + std::to_string(pid) + "/" + file, trouble);
}

/// `number`: why a file could not be opened.
void NoteTrouble(int number, Status* trouble) {
  if (trouble == nullptr || (number != EMFILE && number != ENFILE && number != ENOMEM)) return;
  *trouble = Error(ErrorCode::kInternal,
                   std::string("the host's files cannot be read: ") + std::strerror(number));
}

}  // namespace

std::string ReadText(const std::string& path, Status* trouble) {
  errno = 0;
  const std::ifstream file(path);
  if (!file) NoteTrouble(errno, trouble);
  std::ostringstream text;
  text << file.rdbuf();  // a process may end while it is read
  return text.str();
}

collectors::Host ReadHost(const std::string& path) {
  collectors::Host host;
  if (const unsigned cpus = std::thread::hardware_concurrency(); cpus > 0) host.cpus = cpus;
  host.load = collectors::DecodeLoad(ReadText("/proc/loadavg"));
  host.cpu = collectors::DecodePressure(ReadText("/proc/pressure/cpu"));
  host.memory = collectors::DecodePressure(ReadText("/proc/pressure/memory"));
  host.io = collectors::DecodePressure(ReadText("/proc/pressure/io"));
  host.disk = ReadDisk(path);
  return host;
}

std::optional<collectors::Memory> ReadMemory(Status* trouble) {
  return collectors::DecodeMemory(ReadText("/proc/meminfo", trouble));
}

std::optional<collectors::DiskIo> ReadDiskIo(const std::string& path, Status* trouble) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return collectors::DecodeDiskIo(ReadText("/proc/diskstats", trouble), major(info.st_dev),
                                  minor(info.st_dev));
}

std::optional<collectors::Disk> ReadDisk(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0 || disk.f_blocks == 0) return std::nullopt;
  const auto block = static_cast<double>(disk.f_frsize);
  return collectors::Disk{path,
                          static_cast<double>(disk.f_blocks) * block,
                          static_cast<double>(disk.f_bavail) * block,
                          static_cast<double>(disk.f_blocks - disk.f_bfree) * block,
                          static_cast<double>(disk.f_files),
                          static_cast<double>(disk.f_favail)};
}

std::optional<int> FindPostmaster(int backend, double start, Status* trouble) {
  const auto child = collectors::DecodeProcessStat(OfProcess(backend, "stat", trouble));
  if (!child || child->name != "postgres" || child->parent <= 1) return std::nullopt;
  const auto parent = collectors::DecodeProcessStat(OfProcess(child->parent, "stat", trouble));
  const auto boot = collectors::DecodeBootTime(ReadText("/proc/stat", trouble));
  if (!parent || parent->name != "postgres" || !boot) return std::nullopt;
  const double began =
      *boot + static_cast<double>(parent->start_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  if (!(std::fabs(began - start) <= kStartTolerance)) return std::nullopt;
  return child->parent;
}

std::optional<double> ReadServerMemory(int postmaster, Status* trouble) {
  const auto server = collectors::DecodeProcessMemory(OfProcess(postmaster, "status", trouble));
  if (!server) return std::nullopt;
  double own = server->own;
  double shared = server->shared;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto pid = ParseInt(entry->path().filename().string());
    if (!pid) continue;
    const auto stat =
        collectors::DecodeProcessStat(OfProcess(static_cast<int>(*pid), "stat", trouble));
    if (!stat || stat->parent != postmaster) continue;
    const auto memory =
        collectors::DecodeProcessMemory(OfProcess(static_cast<int>(*pid), "status", trouble));
    if (!memory) continue;  // it ended meanwhile
    own += memory->own;
    shared = std::max(shared, memory->shared);
  }
  if (error) NoteTrouble(error.value(), trouble);
  return own + shared;
}

}  // namespace pgbeacon::scrape
