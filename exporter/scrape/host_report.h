// Reads what collectors/native/host_families.h and cgroup.h decode. Blocks on files, and on mounts
// that hang: on a pool thread.
//
// Example:
//   HostPlaces places;
//   places.data_directory = "/var/lib/postgresql/15/main";
//   Status trouble;
//   collectors::HostReport report = ReadHostReport(places, postmaster, trouble);
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "collectors/native/cgroup.h"
#include "collectors/native/host_families.h"

namespace pgbeacon::scrape {

/// Where a server on this host keeps its files.
struct HostPlaces {
  std::string data_directory;                                    ///< empty: unknown
  std::vector<std::pair<std::string, std::string>> tablespaces;  ///< name and folder
};

/// What cannot be read is absent; `trouble` as in host.h. `postmaster` may have ended.
collectors::HostReport ReadHostReport(const HostPlaces& places, int postmaster, Status& trouble);

/// The files of the control group that the process is in; nothing where that is not known.
std::optional<collectors::CgroupFiles> ReadCgroup(int process, Status& trouble);

/// The name of a block device "8:0"; empty where there is none.
std::string DeviceName(std::string_view numbers);

}  // namespace pgbeacon::scrape
