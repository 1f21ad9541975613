// Members: which label values a rule keeps, decided anew at each run with a memory of the runs
// before.
//
// Example:
//   std::unordered_map<std::string, Ranked> ranked = ...;   // this run's values
//   ChooseMembers(100, ranked, members);
//   if (ranked["..."].member) ...
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

namespace pgbeacon::collectors {

struct Ranked {
  double rank = 0;
  bool member = false;
  bool joined = false;  ///< a member, and was none at the run before
};

/// Members with the number of runs for which each has been away.
using Members = std::unordered_map<std::string, int>;

/// Brings `members` up to date, at most `keep` of them, and marks them in `ranked`. A member keeps
/// its place for three runs without a value, and until an outsider ranks a tenth above it.
void ChooseMembers(std::size_t keep, std::unordered_map<std::string, Ranked>& ranked,
                   Members& members);

}  // namespace pgbeacon::collectors
