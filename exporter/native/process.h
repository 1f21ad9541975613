// Runs a command to its end, within a time and a size: blocking, on a pool thread.
//
// Example:
//   Command command({"pgbackrest", "info"});
//   Result<std::string> text = command.Run(limits, stopped);
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace pgbeacon::native {

struct CommandLimits {
  TimePoint deadline;
  std::size_t bytes = std::size_t{16} << 20;  ///< of standard output
};

/// A program with its arguments. Run by one thread at a time.
class Command {
 public:
  explicit Command(std::vector<std::string> words) : words_(std::move(words)) {}

  /// What it printed on standard output. It has no standard input, no other file of ours, and a
  /// process group of its own, which is killed at the deadline, when it prints too much and when
  /// `stopped` is set. One that cannot be killed (sudo's belong to another user) is left alone, and
  /// nothing is run before it has ended. Errors: kNotFound (no such program), kDenied, kTimeout,
  /// kInvalid (too much, or a status that is not 0, with the end of what it printed on standard
  /// error).
  Result<std::string> Run(const CommandLimits& limits, const std::atomic<bool>& stopped);

 private:
  std::vector<std::string> words_;
  std::optional<pid_t> survivor_;
};

}  // namespace pgbeacon::native
