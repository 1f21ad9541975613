// Twins: series that several collectors give alike. A page has one of them; each collector is told
// how many of its own stay out.
//
// Example:
//   Twins twins(&names);
//   dropped += twins.TakeOut(family);
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "base/families.h"

namespace pgbeacon::scrape {

class Twins {
 public:
  /// `names`: the metrics that may have twins, which must outlive this; null: none.
  explicit Twins(const std::set<std::string>* names) : names_(names) {}

  /// Takes those series out of `family` that a family before it had. Returns how many.
  std::size_t TakeOut(Family& family);

 private:
  const std::set<std::string>* names_;
  std::set<std::string> seen_;  ///< name and labels
};

}  // namespace pgbeacon::scrape
