// The host that a server runs on, as families: pg_host_*.
//
// Example:
//   HostReport report = ...;   // exporter/scrape/host_report.h reads it
//   AddHost(report, sheet);
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/native/host.h"
#include "collectors/native/sheet.h"

namespace pgbeacon::collectors {

/// A file system and what the server keeps there.
struct Place {
  std::string use;         ///< "data", "wal" or "tablespace"
  std::string tablespace;  ///< its name, with "tablespace"
  Disk disk;
  std::optional<DiskIo> io;  ///< of its device, where it is on one
};

struct HostReport {
  std::optional<unsigned> cpus;
  std::optional<double> boot_time;
  std::optional<Load> load;
  std::optional<Memory> memory;
  std::optional<double> server_memory;
  std::vector<std::pair<std::string, double>> cpu_seconds;   ///< by mode
  std::vector<std::pair<std::string, StallSeconds>> stalls;  ///< by resource
  std::vector<Place> places;
};

void AddHost(const HostReport& report, Sheet& sheet);

}  // namespace pgbeacon::collectors
