// Only: which collectors a request asks for (collect[]=NAME), by own or peer's name.
//
// Example:
//   const Only only({"database", "stat_bgwriter"});
//   if (only.Wants(collector.name, collector.peer)) ...
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace pgbeacon::scrape {

class Only {
 public:
  Only() = default;  ///< all of them
  explicit Only(std::set<std::string, std::less<>> names) : names_(std::move(names)) {}

  bool all() const { return names_.empty(); }
  bool Wants(std::string_view name, std::string_view peer = {}) const {
    return all() || names_.contains(name) || (!peer.empty() && names_.contains(peer));
  }
  /// Whether what `other` asks for is part of this.
  bool Covers(const Only& other) const {
    return all() || (!other.all() && std::ranges::includes(names_, other.names_));
  }

 private:
  std::set<std::string, std::less<>> names_;
};

}  // namespace pgbeacon::scrape
