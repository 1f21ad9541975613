// The host that a server runs on, as Linux tells it: load, pressure stalls, memory, disks,
// processes. Pure decoders of /proc texts; the exporter reads the files.
//
// Example:
//   std::optional<Load> load = DecodeLoad("0.20 0.18 0.12 1/80 11206\n");
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgbeacon::collectors {

/// Load averages over 1, 5 and 15 minutes (proc_loadavg(5)).
struct Load {
  double one = 0;
  double five = 0;
  double fifteen = 0;
};

/// Share of time, 0 to 1, in which some task waited for the resource, averaged over 10, 60 and 300
/// seconds (Linux kernel documentation, "PSI - Pressure Stall Information", line "some").
struct Pressure {
  double avg10 = 0;
  double avg60 = 0;
  double avg300 = 0;
};

/// A file system as statvfs(3) tells it; `free_bytes` is what an unprivileged process may use.
struct Disk {
  std::string path;
  double size_bytes = 0;
  double free_bytes = 0;
  double used_bytes = 0;  ///< without what only privileged processes may use
};

/// proc_meminfo(5), in bytes.
struct Memory {
  double total = 0;
  double free = 0;
  double available = 0;  ///< for new processes, without swapping
  double cached = 0;
};

/// What a block device has read and written since the host started (kernel documentation,
/// "I/O statistics fields").
struct DiskIo {
  double read_bytes = 0;
  double written_bytes = 0;
};

/// Of proc_pid_stat(5).
struct ProcessStat {
  std::string name;  ///< of the program: "postgres"
  int parent = 0;
  std::uint64_t start_ticks = 0;  ///< after the host's start, in clock ticks
};

/// Of proc_pid_status(5), in bytes: memory of its own, and of what it shares with others.
struct ProcessMemory {
  double own = 0;
  double shared = 0;
};

/// What could be read of the host; absent is unknown.
struct Host {
  unsigned cpus = 1;
  std::optional<Load> load;
  std::optional<Pressure> cpu;
  std::optional<Pressure> memory;
  std::optional<Pressure> io;
  std::optional<Disk> disk;
};

/// Decodes /proc/loadavg.
std::optional<Load> DecodeLoad(std::string_view text);
/// Decodes the line "some avg10=... avg60=... avg300=... total=..." of /proc/pressure/*.
std::optional<Pressure> DecodePressure(std::string_view text);
/// Decodes /proc/meminfo.
std::optional<Memory> DecodeMemory(std::string_view text);
/// Decodes the line of one device in /proc/diskstats.
std::optional<DiskIo> DecodeDiskIo(std::string_view text, unsigned major, unsigned minor);
/// Decodes /proc/PID/stat.
std::optional<ProcessStat> DecodeProcessStat(std::string_view text);
/// Decodes /proc/PID/status.
std::optional<ProcessMemory> DecodeProcessMemory(std::string_view text);
/// When the host started, in seconds since the epoch, of /proc/stat.
std::optional<double> DecodeBootTime(std::string_view text);

}  // namespace pgbeacon::collectors
