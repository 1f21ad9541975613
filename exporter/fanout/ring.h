// Ring: the latest lines of one server.
//
// Example:
//   Ring ring("orders");
//   ring.Push(entry, 1500);
//   for (const EntryPtr& kept : ring.Copy()) Show(*kept);
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "exporter/fanout/entry.h"

namespace pgbeacon::fanout {

/// Changed by one thread at a time, which alone may ask for bytes() and newest(); copied by any.
class Ring {
 public:
  explicit Ring(std::string_view server) : server_(server) {}

  const std::string& server() const { return server_; }
  std::size_t bytes() const { return bytes_; }
  std::uint64_t newest() const { return newest_; }  ///< number of the last line pushed

  /// Adds a line; where there are `most` already, in place of the oldest. Whether that one went.
  bool Push(EntryPtr entry, std::size_t most);
  /// Whether there was a line to drop.
  bool DropOldest();

  /// All lines, oldest first.
  std::vector<EntryPtr> Copy() const;

 private:
  const std::string server_;
  std::size_t bytes_ = 0;
  std::uint64_t newest_ = 0;
  mutable Mutex mutex_;
  std::deque<EntryPtr> entries_ PGB_GUARDED_BY(mutex_);
};

}  // namespace pgbeacon::fanout
