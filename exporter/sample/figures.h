// Figures: what a sample# record says of a server, by the metric names of the keys
// (logparse/events.yml). Asked of the server (*.yml here) and, where it runs on this host, of
// Linux.
//
// Example:
//   Figures figures = FromServer(asked.families);
//   AddHost(look, before, figures);
//   AddLimits(limits, figures);
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/families.h"
#include "base/result.h"
#include "collectors/engine/spec.h"
#include "collectors/native/host.h"

namespace pgbeacon::sample {

/// In base units, by metric name; what is unknown is absent.
using Figures = std::map<std::string, double>;

/// What the plan of a customer allows, where there is one.
struct Limits {
  std::optional<double> connections;  ///< absent: max_connections
  std::optional<double> bytes;        ///< of the database
  std::optional<double> iops;         ///< operations of 16 KiB per second
};

/// The collectors that ask for a record's figures.
Result<collectors::Catalogue> FigureCollectors();

/// The figures of an answer: the first sample of each family.
Figures FromServer(const Families& families);

/// The host at one moment.
struct HostLook {
  TimePoint at;
  unsigned cpus = 1;
  std::optional<collectors::Load> load;
  std::optional<collectors::Memory> memory;
  std::optional<double> server_memory;
  std::optional<collectors::DiskIo> io;      ///< of the data directory's device
  std::optional<collectors::Disk> tmp_disk;  ///< where temporary files go
  std::optional<collectors::Disk> wal_disk;  ///< that holds pg_wal
};

/// Reads the host of a server that runs here. `own_tmp`: temporary files stand in the data
/// directory.
HostLook LookAtHost(const std::string& data_directory, int postmaster, bool own_tmp);

/// Adds the host's figures; rates are those since `before`, where there is one.
void AddHost(const HostLook& look, const std::optional<HostLook>& before, Figures& figures);

/// Adds the limits and how much of them is used.
void AddLimits(const Limits& limits, Figures& figures);

}  // namespace pgbeacon::sample
