// The control group (cgroup v2) that a server runs in: what it may use, uses and is short of. Pure
// decoder of the group's files; the exporter reads them.
//
// Example:
//   std::optional<std::string> path = CgroupPath("0::/system.slice/postgresql@15-main.service\n");
//   CgroupFiles files;
//   for (const char* name : kCgroupFiles) files[name] = Read(*path, name);
//   AddCgroup(files, device_name, sheet);
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/native/sheet.h"

namespace pgbeacon::collectors {

inline constexpr const char* kCgroupFiles[] = {
    "cpu.stat",        "cpu.max",         "memory.current",      "memory.peak",
    "memory.high",     "memory.max",      "memory.swap.current", "memory.swap.peak",
    "memory.swap.max", "memory.events",   "memory.stat",         "io.stat",
    "cpu.pressure",    "memory.pressure", "io.pressure",         "pids.current",
    "pids.max"};

/// Files that hold a limit: a group is bound by those of the groups above it, too.
inline constexpr const char* kCgroupLimits[] = {"cpu.max", "memory.high", "memory.max",
                                                "memory.swap.max", "pids.max"};

/// Of two texts of such a file the one that allows less. An empty one allows everything.
std::string TighterLimit(const std::string& one, const std::string& other);

/// Texts by name of the file; one that cannot be read is empty.
using CgroupFiles = std::map<std::string, std::string>;

/// The group's path below the hierarchy of version 2, of /proc/PID/cgroup. Nothing where the
/// process is in none, or outside of what this process sees.
std::optional<std::string> CgroupPath(std::string_view text);

/// pg_cgroup_*. `device_name` gives the name of a block device "8:0", or "" where it has none. What
/// has no limit ("max") has no limit metric.
void AddCgroup(const CgroupFiles& files,
               const std::function<std::string(std::string_view)>& device_name, Sheet& sheet);

}  // namespace pgbeacon::collectors
