// Governor: what a collector shows when there is more than may be shown. Rules (`top` in its file)
// keep the label values with the greatest rank; all others become "other".
//
// Membership is sticky: a member goes when it has been away for some runs, or when an outsider
// ranks clearly above it. So the same series are there at the next scrape.
//
// The counters of "other" are accumulators of their own: every increase of a source row that no
// series of its own shows at this run goes into them, whether the row is not kept, was not kept
// until now, or is kept no more. So they never fall, and the rates of all series together are the
// rate of the whole. (The whole minus the members would fall when a member comes in, which
// Prometheus takes for a reset.) Nothing that happened before the first run is in them.
//
// Example:
//   Governor governor;                      // of one collector on one target; kept between runs
//   const Governed governed = governor.Apply(planned, rows);
//   Decoded decoded = Decode(planned, *governed.rows, "db1:5432");
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/engine/members.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/row_history.h"
#include "collectors/engine/rows.h"

namespace pgbeacon::collectors {

struct Governed {
  std::unique_ptr<Rows> rows;  ///< what to decode; valid as long as the rows that were given
  std::size_t in_other = 0;    ///< series that "other" stands for
  std::size_t left_out = 0;    ///< series that a rule without "other" leaves out
};

class Governor {
 public:
  /// Takes the next answer. With no rule all rows are shown as they are. What is remembered is
  /// bounded by the answer's rows, of which it looks at kMostRows.
  Governed Apply(const PlannedCollector& planned, const Rows& rows);

  static constexpr std::size_t kMostRows = 200'000;

 private:
  class Pass;

  struct Rest {
    std::vector<std::string> labels;
    std::vector<double> values;
    std::uint64_t run = 0;
  };

  std::vector<std::string> counters_;  ///< columns; others than before make all begin anew
  std::vector<Members> members_;       ///< by rule
  RowHistory history_;
  std::unordered_map<std::string, Rest> rests_;
  std::uint64_t run_ = 0;
  bool partial_ = false;  ///< an answer had more rows than are looked at
};

}  // namespace pgbeacon::collectors
