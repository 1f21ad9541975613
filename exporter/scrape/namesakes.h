// Namesakes: metrics that a user's collector has in common with another one, name and labels. Of
// series that are alike the page can have only one (twins.h).
//
// Example:
//   for (const Namesake& one : NamesakesOf(plan)) spdlog::warn("{}", one.InWords());
#pragma once

#include <string>
#include <vector>

#include "collectors/engine/plan.h"

namespace pgbeacon::scrape {

/// Points into the Catalogue.
struct Namesake {
  const collectors::Collector* users;
  const collectors::Collector* other;  ///< ours, or a user's before it
  std::string metric;

  std::string InWords() const;
};

/// Of the collectors that run.
std::vector<Namesake> NamesakesOf(const collectors::Plan& plan);

}  // namespace pgbeacon::scrape
