// CommitFigures: what /metrics shows of the state.
//
// Example:
//   figures.Note(seconds);
//   AppendStateFamilies(figures, families);
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/families.h"
#include "exporter/state/store.h"

namespace pgbeacon::state {

struct CommitFigures {
  CommitFigures();

  /// A commit that succeeded.
  void Note(double took_seconds);

  bool durable = true;                ///< all that is counted is on disk
  std::vector<std::uint64_t> counts;  ///< of commits, by bucket
  double seconds = 0;                 ///< of all commits
  std::array<std::uint64_t, kFailures> errors{};
};

/// pgbeacon_state_durable, pgbeacon_state_commit_seconds, pgbeacon_state_errors_total{reason}.
void AppendStateFamilies(const CommitFigures& figures, Families& families);

}  // namespace pgbeacon::state
