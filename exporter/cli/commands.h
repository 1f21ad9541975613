// The commands that ask or show something once. Data goes to stdout, diagnostics to stderr.
#pragma once

#include <string>

#include "exporter/cli/options.h"

namespace pgbeacon::cli {

/// Exit statuses of a command that could not be begun: wrong use; and for check, as Nagios has it,
/// unknown.
inline constexpr int kUsageStatus = 2;
inline constexpr int kUnknownStatus = 3;

/// `pgbeacon check`: the suites pg, role and vm and those of thresholds; of one target, or of all
/// in the config. Exit status as Nagios plugins have it: 0 passing,
/// 1 warning, 2 critical, 3 unknown.
int RunCheck(Setup& setup, Output output, bool all);

/// `pgbeacon explain`: each collector, its SQL as sent, rows, time, or why it is off. 1 when the
/// server cannot be asked.
int RunExplain(Setup& setup, Output output);

/// `pgbeacon metrics`: every metric that pgbeacon can expose.
int RunMetrics(Setup& setup, Output output);

/// `pgbeacon config check FILE`: reads the file and all that it names; mistakes go to stderr.
int RunConfigCheck(const std::string& file);

}  // namespace pgbeacon::cli
