// pg_backup_*: what there is to restore from, under the same names whatever made it.
//
// Example:
//   BackupSet set{.name = "nightly", .kind = "pg_dump"};
//   set.backups.push_back({.stop = 1795277310, .size = 22964571});
//   AddBackups(set, now, sheet);
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collectors/native/sheet.h"

namespace pgbeacon::collectors {

struct Backup {
  double stop = 0;  ///< when it was complete, seconds since the epoch
  bool good = true;
  std::optional<double> start;
  std::optional<double> size;    ///< bytes of what was backed up
  std::optional<double> stored;  ///< bytes that it takes in the repository
  std::string type;              ///< "full", "diff", "incr", or empty where there are no types
};

/// Backups of one source in one place.
struct BackupSet {
  std::string name;
  std::string kind;  ///< "pgbackrest", "pg_dump", "snapshot", ...
  std::string repo;  ///< empty where there is only one place
  std::vector<Backup> backups;
  std::size_t unreadable = 0;  ///< entries that tell no time, and may be backups

  Labels labels() const { return {{"name", name}, {"kind", kind}, {"repo", repo}}; }
};

/// Times, ages, sizes and counts by type. Ages are at `now`; a backup of more than five
/// minutes in the future is a bad one.
void AddBackups(const BackupSet& set, double now, Sheet& sheet);

/// The inventory in a JSON file: an array, or an object with an array `backups`, of objects with
/// `time` (seconds since the epoch, or "2026-11-21T02:00:00Z"), and where known `size`, `status`
/// ("ok", "success", "completed", "available", true: good; else not) and `type`. An entry without
/// a time is counted in BackupSet::unreadable alone.
Result<BackupSet> ReadInventory(std::string_view text);

/// Seconds since the epoch of "2026-11-21T02:00:00Z" and of PostgreSQL's and Python's forms
/// ("2026-11-21 02:00:00.25+01:00", "+01"). Without an offset it is UTC.
std::optional<double> ParseTimestamp(std::string_view text);

}  // namespace pgbeacon::collectors
