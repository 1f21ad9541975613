// DrainBuffer: the lines that wait for one drain, the oldest dropped where there are too many, and
// the losses that its receiver has yet to be told.
//
// Example:
//   DrainBuffer buffer(1024, 4 << 20);
//   dropped += buffer.Add(entry);
//   while (buffer.Next() != nullptr) Send(buffer.Take());
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "exporter/fanout/entry.h"

namespace pgbeacon::fanout {

/// Lines that will not arrive, and since when.
struct Loss {
  std::uint64_t lines = 0;
  std::int64_t since_unix = 0;
};

/// Used by one thread.
class DrainBuffer {
 public:
  DrainBuffer(std::size_t most_lines, std::size_t most_bytes)
      : most_lines_(most_lines), most_bytes_(most_bytes) {}

  /// Returns how many lines had to go for it.
  std::uint64_t Add(EntryPtr entry, std::int64_t now_unix);
  /// Lines that were taken and not sent, oldest first; returns how many found no place.
  std::uint64_t PutBack(const std::vector<EntryPtr>& entries, std::int64_t now_unix);
  /// Lines that were lost elsewhere.
  void AddLoss(Loss loss);

  /// The oldest line; nullptr: none.
  const Entry* Next() const { return entries_.empty() ? nullptr : entries_.front().get(); }
  EntryPtr Take();
  Loss TakeLoss() { return std::exchange(loss_, Loss()); }

  std::size_t size() const { return entries_.size(); }

 private:
  std::uint64_t Shrink(std::int64_t now_unix);

  const std::size_t most_lines_, most_bytes_;
  std::deque<EntryPtr> entries_;
  std::size_t bytes_ = 0;
  Loss loss_;
};

}  // namespace pgbeacon::fanout
