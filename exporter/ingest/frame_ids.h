// FrameIds: which Logplex deliveries have been counted. Logplex sends a frame again, under the same
// Logplex-Frame-Id, when no answer came in time; it must not count twice.
//
// Example:
//   FrameIds ids;
//   if (!ids.Begin("d3adbeef", "09C557EAFCFB6CF2740EE62F62971098", {.messages = 2}, UnixNow())) {
//     Count(messages);                      // new: nothing of it was counted before
//   }
//   ids.Changes(rows);                      // to be committed with what was counted
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "exporter/state/store.h"

namespace pgbeacon::ingest {

/// What was counted of a frame.
struct FrameCount {
  std::uint64_t messages = 0;
  std::uint64_t lost = 0;  ///< of messages that loss records at its beginning told of
};

/// Used by the ingest thread alone.
class FrameIds {
 public:
  /// Logplex gives up after 3 attempts of 8 s at most.
  static constexpr double kWindowSeconds = 15 * 60;
  static constexpr std::size_t kMost = 100'000;

  explicit FrameIds(std::size_t most = kMost) : most_(most) {}

  /// Notes the frame as counted; `drain` has no blanks. Nothing: it is new. Else what had been
  /// counted of it before; the frame is then remembered with the greater of both. `now`: seconds
  /// since the epoch.
  std::optional<FrameCount> Begin(std::string_view drain, std::string_view id, FrameCount frame,
                                  double now);

  /// Appends a row for each frame that came, changed or was forgotten since the last call.
  void Changes(std::vector<state::Row>& rows);
  /// Takes over a row of an earlier run. False: it is malformed.
  bool Restore(const state::Row& row);

  std::size_t size() const { return frames_.size(); }
  /// Frames forgotten before their time: a retry of one of them would count again.
  std::uint64_t evicted() const { return evicted_; }

 private:
  struct Frame {
    FrameCount count;
    double time = 0;
  };
  using Frames = std::unordered_map<std::string, Frame>;  // by drain, a blank and the id

  void Forget(double now);

  const std::size_t most_;
  Frames frames_;
  std::deque<const Frames::value_type*> order_;  // by time, unless some were restored since
  bool ordered_ = true;
  std::unordered_set<std::string> changed_;
  std::uint64_t evicted_ = 0;
};

}  // namespace pgbeacon::ingest
