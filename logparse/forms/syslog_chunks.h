// Chunks: puts the numbered pieces of records into order. Transports hand them on in the wrong
// order now and then; a piece that came early waits for those before it.
//
// Example:
//   switch (chunks.Admit(key, 2, line, false, at)) {
//     case Chunks::Place::kNow: Read(line); break;      // then TakeNext(key) until it has none
//     case Chunks::Place::kHeld: break;                 // TakeNext() or TakeOverdue() gives it
//     back case Chunks::Place::kLate: CountOrphan(); break;  // its place is past
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "logparse/position.h"

namespace pgbeacon::log {

/// Not thread-safe. Holds at most kMostHeld lines of `most_bytes` together; records that no piece
/// came for during kMaxAge admissions are forgotten.
class Chunks {
 public:
  static constexpr std::size_t kMostHeld = 128;
  static constexpr std::uint64_t kWindow = 64;  ///< admissions that a piece waits at most
  static constexpr std::uint64_t kMaxAge = 512;

  enum class Place : std::uint8_t { kNow, kHeld, kLate };

  /// A piece that waited. `gap`: pieces before it never came; `orphan`: not even the first did.
  struct Held {
    std::string line;
    bool cut = false;
    std::uint64_t at = 0;  ///< where it begins in the log
    bool gap = false;
    bool orphan = false;
  };

  explicit Chunks(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// Piece `number` (from 1) of the record `key`. Number 1 always begins a record anew.
  Place Admit(std::string_view key, int number, std::string_view line, bool cut, std::uint64_t at);

  /// The piece that follows the one given out last, if it waits.
  std::optional<Held> TakeNext(std::string_view key);

  /// A piece that waited too long or stands above the bounds; all that wait with `all`.
  std::optional<Held> TakeOverdue(bool all);

  /// Forgets the record `key` unless a piece of it waits: none comes any more.
  void Complete(std::string_view key);
  /// Forgets the records of which no piece waits if none waits at all.
  void ReleaseMemory() {
    if (queue_.empty()) decltype(records_)().swap(records_);
  }

  bool empty() const { return queue_.empty(); }
  std::size_t held_bytes() const { return held_bytes_; }

  /// Adds where the waiting pieces begin.
  void AppendOpen(std::vector<std::uint64_t>& begins) const;
  /// Forgets the waiting pieces that `resume` does not await.
  void DropForeign(const Resume& resume);

 private:
  struct Record;
  struct Piece {
    std::string line;
    bool cut = false;
    std::uint64_t at = 0;
    std::uint64_t since = 0;
    Record* record = nullptr;
  };
  using Queue = std::list<Piece>;  // the longest waiting first
  struct Record {
    int next = 1;
    std::uint64_t touched = 0;
    std::map<int, Queue::iterator> waiting;
  };

  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };

  Held Give(Record& record);
  void Forget();

  const std::size_t most_bytes_;
  std::unordered_map<std::string, Record, KeyHash, std::equal_to<>> records_;
  Queue queue_;
  std::uint64_t clock_ = 0;  // admissions
  std::size_t held_bytes_ = 0;
};

}  // namespace pgbeacon::log
