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
#include <utility>
#include <vector>

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
  double inodes = 0;      ///< 0 where the file system has no fixed number of them
  double free_inodes = 0;
};

/// proc_meminfo(5), in bytes.
struct Memory {
  double total = 0;
  double free = 0;
  double available = 0;  ///< for new processes, without swapping
  double cached = 0;
  std::optional<double> shared;     ///< shared memory and tmpfs
  std::optional<double> dirty;      ///< waits to be written to disk
  std::optional<double> committed;  ///< promised to processes
  std::optional<double> swap_total, swap_free;
};

/// What a block device has read and written since the host started (kernel documentation,
/// "I/O statistics fields").
struct DiskIo {
  double read_bytes = 0;
  double written_bytes = 0;
  std::string device;  ///< "sda1", "dm-0"
  std::optional<double> reads, writes;
  std::optional<double> read_seconds, write_seconds;  ///< sums over operations
  std::optional<double> in_progress;                  ///< operations now
  std::optional<double> busy_seconds;                 ///< in which any operation was under way
  std::optional<double> weighted_seconds;             ///< sum over operations under way
};

/// Time in which some task, or all of them, waited for a resource (PSI, "total="), in seconds.
struct StallSeconds {
  std::optional<double> some, full;
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
/// Decodes the first line of /proc/stat: seconds by mode ("user", "iowait", ...), guests being part
/// of user and nice.
std::vector<std::pair<std::string, double>> DecodeCpuSeconds(std::string_view text,
                                                             double ticks_per_second);
/// Decodes the totals of /proc/pressure/* or of a cgroup's *.pressure.
StallSeconds DecodeStalls(std::string_view text);
/// Decodes /proc/PID/stat.
std::optional<ProcessStat> DecodeProcessStat(std::string_view text);
/// Decodes /proc/PID/status.
std::optional<ProcessMemory> DecodeProcessMemory(std::string_view text);
/// When the host started, in seconds since the epoch, of /proc/stat.
std::optional<double> DecodeBootTime(std::string_view text);

}  // namespace pgbeacon::collectors
