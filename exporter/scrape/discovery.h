// Discovery: which other databases of a server collectors of scope `database` visit.
//
// Example:
//   Discovery discovery;
//   discovery.on = true;
//   discovery.exclude = {"test_*"};
//   if (discovery.Wants("orders")) ...
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace pgbeacon::scrape {

struct Discovery {
  bool on = false;
  std::vector<std::string> include;                             ///< globs; none: every database
  std::vector<std::string> exclude;                             ///< globs; they win
  std::chrono::milliseconds interval{std::chrono::minutes(1)};  ///< from pass to pass

  bool Excludes(std::string_view database) const { return on && Matches(exclude, database); }
  bool Wants(std::string_view database) const {
    return on && !Excludes(database) && (include.empty() || Matches(include, database));
  }

 private:
  static bool Matches(const std::vector<std::string>& globs, std::string_view database) {
    return std::ranges::any_of(
        globs, [database](const std::string& glob) { return GlobMatch(glob, database); });
  }
};

}  // namespace pgbeacon::scrape
