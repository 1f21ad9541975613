// pgbeacon's own process as Prometheus client libraries report it (process_*; source: proc(5)).
#pragma once

#include "base/families.h"

namespace pgbeacon::metrics {

/// Appends process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
/// process_open_fds, process_max_fds and process_start_time_seconds; what cannot be read is absent.
void AppendProcess(Families& families);

/// Appends pgbeacon_build_info{version,revision,compiler}.
void AppendBuildInfo(Families& families);

/// The version as `--version` prints it: "0.1.0".
const char* Version();
/// The short git revision of the build, "unknown" outside a clone.
const char* Revision();

}  // namespace pgbeacon::metrics
