#include "collectors/native/host_families.h"

#include <set>

namespace pgbeacon::collectors {
namespace {

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;

// clang-format off
constexpr Metric kCpus = {"pg_host_cpus", kGauge, "CPUs of the host."};
constexpr Metric kBoot = {"pg_host_boot_timestamp_seconds", kGauge, "When the host was started."};
constexpr Metric kLoad1 = {"pg_host_load1", kGauge, "Load average of the host over 1 minute."};
constexpr Metric kLoad5 = {"pg_host_load5", kGauge, "Load average of the host over 5 minutes."};
constexpr Metric kLoad15 = {"pg_host_load15", kGauge, "Load average of the host over 15 minutes."};
constexpr Metric kCpu = {"pg_host_cpu_seconds_total", kCounter, "Time that the host's CPUs have spent, by mode."};
constexpr Metric kWaiting = {"pg_host_pressure_waiting_seconds_total", kCounter, "Time in which some process of the host waited for the resource."};
constexpr Metric kStalled = {"pg_host_pressure_stalled_seconds_total", kCounter, "Time in which all processes of the host waited for the resource."};
constexpr Metric kTotal = {"pg_host_memory_total_bytes", kGauge, "Memory of the host."};
constexpr Metric kFree = {"pg_host_memory_free_bytes", kGauge, "Memory that nothing uses."};
constexpr Metric kAvailable = {"pg_host_memory_available_bytes", kGauge, "Memory that processes could get without swapping."};
constexpr Metric kCached = {"pg_host_memory_cached_bytes", kGauge, "Memory that holds files."};
constexpr Metric kShared = {"pg_host_memory_shared_bytes", kGauge, "Shared memory and tmpfs."};
constexpr Metric kDirty = {"pg_host_memory_dirty_bytes", kGauge, "Memory that waits to be written to disk."};
constexpr Metric kCommitted = {"pg_host_memory_committed_bytes", kGauge, "Memory that processes have been promised."};
constexpr Metric kSwapTotal = {"pg_host_swap_total_bytes", kGauge, "Swap space of the host."};
constexpr Metric kSwapFree = {"pg_host_swap_free_bytes", kGauge, "Swap space that nothing uses."};
constexpr Metric kServer = {"pg_host_server_memory_bytes", kGauge, "Memory of the server's processes, shared memory counted once."};
constexpr Metric kSize = {"pg_host_filesystem_size_bytes", kGauge, "Size of the file system."};
constexpr Metric kAvail = {"pg_host_filesystem_available_bytes", kGauge, "Space that the server could still use."};
constexpr Metric kUsed = {"pg_host_filesystem_used_bytes", kGauge, "Space in use."};
constexpr Metric kInodes = {"pg_host_filesystem_inodes", kGauge, "Inodes of the file system."};
constexpr Metric kFreeInodes = {"pg_host_filesystem_free_inodes", kGauge, "Inodes that are free."};
constexpr Metric kRead = {"pg_host_disk_read_bytes_total", kCounter, "Bytes read from the device."};
constexpr Metric kWritten = {"pg_host_disk_written_bytes_total", kCounter, "Bytes written to the device."};
constexpr Metric kReads = {"pg_host_disk_reads_completed_total", kCounter, "Reads from the device."};
constexpr Metric kWrites = {"pg_host_disk_writes_completed_total", kCounter, "Writes to the device."};
constexpr Metric kReadTime = {"pg_host_disk_read_time_seconds_total", kCounter, "Sum of the times that reads took."};
constexpr Metric kWriteTime = {"pg_host_disk_write_time_seconds_total", kCounter, "Sum of the times that writes took."};
constexpr Metric kNow = {"pg_host_disk_io_now", kGauge, "Operations under way on the device."};
constexpr Metric kBusy = {"pg_host_disk_io_time_seconds_total", kCounter, "Time in which the device was busy."};
constexpr Metric kWeighted = {"pg_host_disk_io_time_weighted_seconds_total", kCounter, "Sum of the times that operations were under way."};
// clang-format on

void AddMemory(const Memory& memory, Sheet& sheet) {
  sheet.Add(kTotal, {}, memory.total);
  sheet.Add(kFree, {}, memory.free);
  sheet.Add(kAvailable, {}, memory.available);
  sheet.Add(kCached, {}, memory.cached);
  sheet.Add(kShared, {}, memory.shared);
  sheet.Add(kDirty, {}, memory.dirty);
  sheet.Add(kCommitted, {}, memory.committed);
  sheet.Add(kSwapTotal, {}, memory.swap_total);
  sheet.Add(kSwapFree, {}, memory.swap_free);
}

void AddDevice(const DiskIo& io, Sheet& sheet) {
  const Labels labels = {{"device", io.device}};
  sheet.Add(kRead, labels, io.read_bytes);
  sheet.Add(kWritten, labels, io.written_bytes);
  sheet.Add(kReads, labels, io.reads);
  sheet.Add(kWrites, labels, io.writes);
  sheet.Add(kReadTime, labels, io.read_seconds);
  sheet.Add(kWriteTime, labels, io.write_seconds);
  sheet.Add(kNow, labels, io.in_progress);
  sheet.Add(kBusy, labels, io.busy_seconds);
  sheet.Add(kWeighted, labels, io.weighted_seconds);
}

void AddPlaces(const std::vector<Place>& places, Sheet& sheet) {
  std::set<std::string> devices;
  for (const Place& place : places) {
    const Labels labels = {{"use", place.use},
                           {"tablespace", place.tablespace},
                           {"device", place.io ? place.io->device : ""}};
    sheet.Add(kSize, labels, place.disk.size_bytes);
    sheet.Add(kAvail, labels, place.disk.free_bytes);
    sheet.Add(kUsed, labels, place.disk.used_bytes);
    if (place.disk.inodes > 0) {
      sheet.Add(kInodes, labels, place.disk.inodes);
      sheet.Add(kFreeInodes, labels, place.disk.free_inodes);
    }
    if (place.io && devices.insert(place.io->device).second) AddDevice(*place.io, sheet);
  }
}

}  // namespace

void AddHost(const HostReport& report, Sheet& sheet) {
  if (report.cpus) sheet.Add(kCpus, {}, static_cast<double>(*report.cpus));
  sheet.Add(kBoot, {}, report.boot_time);
  if (report.load) {
    sheet.Add(kLoad1, {}, report.load->one);
    sheet.Add(kLoad5, {}, report.load->five);
    sheet.Add(kLoad15, {}, report.load->fifteen);
  }
  for (const auto& [mode, seconds] : report.cpu_seconds) sheet.Add(kCpu, {{"mode", mode}}, seconds);
  for (const auto& [resource, stalls] : report.stalls) {
    sheet.Add(kWaiting, {{"resource", resource}}, stalls.some);
    sheet.Add(kStalled, {{"resource", resource}}, stalls.full);
  }
  if (report.memory) AddMemory(*report.memory, sheet);
  sheet.Add(kServer, {}, report.server_memory);
  AddPlaces(report.places, sheet);
}

}  // namespace pgbeacon::collectors
