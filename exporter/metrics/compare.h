// What a dashboard would notice where one page takes the place of another.
//
// Example:
//   for (const Difference& one : Compare({before, after}, ours).differences) Print(one);
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "exporter/metrics/exposition.h"

namespace pgbeacon::metrics {

/// The other page, fetched before and after ours: what moves meanwhile is no difference.
struct Around {
  const Exposition& before;
  const Exposition& after;
};

struct Difference {
  std::string name;
  std::string kind;          ///< missing, type, labels, series or value
  std::size_t series = 0;    ///< concerned
  std::string theirs, ours;  ///< types, label names, or one series and its values
  std::string expected;      ///< why nobody loses by it; empty: it is a change
};

struct Comparison {
  std::vector<Difference> differences;  ///< what is lost first, values last
  std::size_t names = 0;                ///< of theirs, their own process apart
  std::size_t series = 0;
  std::size_t same = 0;             ///< of these, with an equal value
  std::vector<std::string> gained;  ///< names that only ours has
};

/// Series that a program has of itself (go_*, process_*, ...) are left out.
Comparison Compare(const Around& theirs, const Exposition& ours);

}  // namespace pgbeacon::metrics
