// Runs a command to its end, within a time and a size: blocking, on a pool thread.
//
// Example:
//   Result<std::string> text = RunCommand({"pgbackrest", "info"}, limits, stopped);
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace pgbeacon::native {

struct CommandLimits {
  TimePoint deadline;
  std::size_t bytes = std::size_t{16} << 20;  ///< of standard output
};

/// What it printed on standard output. It has no standard input, no other file of ours, and a
/// process group of its own, which is killed at the deadline, when it prints too much and when
/// `stopped` is set. Errors: kNotFound (no such program), kTimeout, kInvalid (too much, or a status
/// that is not 0, with the end of what it printed on standard error).
Result<std::string> RunCommand(const std::vector<std::string>& command, const CommandLimits& limits,
                               const std::atomic<bool>& stopped);

}  // namespace pgbeacon::native
