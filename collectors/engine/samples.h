// SampleTally: counters of seconds out of samples. A sample sees how many there are of each kind at
// one moment and stands for the time since the one before.
//
// Example:
//   SampleTally tally;
//   tally.Add(Decode(planned, rows, server), planned.limit, 1.0);   // seconds
//   Families page = tally.families();
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "collectors/engine/plan.h"

namespace pgbeacon::collectors {

class SampleTally {
 public:
  /// Every value of `sample` counts for `seconds`. Holds `limit` series; what is over is dropped.
  void Add(const Decoded& sample, std::size_t limit, double seconds);

  const Families& families() const { return families_; }
  std::size_t dropped() const { return dropped_; }  ///< series of the last sample

 private:
  struct Place {
    std::size_t family = 0;
    std::size_t metric = 0;
  };
  Families families_;
  std::unordered_map<std::string, Place> places_;  // by name and labels
  std::size_t dropped_ = 0;
};

}  // namespace pgbeacon::collectors
