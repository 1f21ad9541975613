// Checks for people and programs: the table of `flyctl checks list`, and JSON.
//
// Example:
//   std::vector<JudgedTarget> targets = {{"orders", watched.health().suites(), 12.0}};
//   std::fputs(ChecksTable(targets, WantsColor()).c_str(), stdout);
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/scrape/checks.h"

namespace pgbeacon::cli {

/// The checks of one target and how long ago they were judged.
struct JudgedTarget {
  std::string target;
  std::vector<scrape::Suite> suites;
  std::optional<double> age_seconds;  ///< absent: never; there are no suites then
};

/// A row for each suite: NAME, STATUS, TARGET, LAST UPDATED, OUTPUT.
std::string ChecksTable(const std::vector<JudgedTarget>& targets, bool color);

/// An array with an object for each suite.
std::string ChecksJson(const std::vector<JudgedTarget>& targets);

}  // namespace pgbeacon::cli
