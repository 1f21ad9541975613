// LockedCatalogues: collectors that have waited in vain for a catalogue that somebody has locked.
// They are not asked again while that lock is there, held or awaited: each of them would wait for
// lock_timeout and leave an error in the server's log.
//
// Example:
//   if (!locked.empty()) locked.Now(Relations(answer to LockedCatalogues::Sql()));
//   if (locked.Blocks("database")) ...   // fails with lock_timeout without being asked
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "collectors/engine/rows.h"

namespace pgbeacon::scrape {

class LockedCatalogues {
 public:
  /// What lists the catalogues under an ACCESS EXCLUSIVE lock. It reads no table.
  static std::string_view Sql();
  static std::set<std::string> Relations(const collectors::Rows& rows);

  bool empty() const { return collectors_.empty(); }
  bool Blocks(const std::string& collector) const { return collectors_.contains(collector); }

  /// Those that are locked now: where they are others, everything is to be tried again.
  void Now(const std::set<std::string>& relations);
  /// The collectors that failed while these were locked.
  void Failed(std::set<std::string> collectors, std::set<std::string> relations);

 private:
  std::set<std::string> collectors_;
  std::set<std::string> relations_;
};

}  // namespace pgbeacon::scrape
