#include "exporter/scrape/host.h"

#include <sys/statvfs.h>

#include <fstream>
#include <iterator>
#include <thread>

namespace pgbeacon::scrape {
namespace {

std::string ReadText(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

collectors::Host ReadHost(const std::string& path) {
  collectors::Host host;
  if (const unsigned cpus = std::thread::hardware_concurrency(); cpus > 0) host.cpus = cpus;
  host.load = collectors::DecodeLoad(ReadText("/proc/loadavg"));
  host.cpu = collectors::DecodePressure(ReadText("/proc/pressure/cpu"));
  host.memory = collectors::DecodePressure(ReadText("/proc/pressure/memory"));
  host.io = collectors::DecodePressure(ReadText("/proc/pressure/io"));
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) == 0 && disk.f_blocks > 0) {
    const auto block = static_cast<double>(disk.f_frsize);
    host.disk = collectors::Disk{path, static_cast<double>(disk.f_blocks) * block,
                                 static_cast<double>(disk.f_bavail) * block};
  }
  return host;
}

}  // namespace pgbeacon::scrape
