// ReadPosition: how far a log was read, so that reading can go on there later; Resume: what of a
// log that is read again from such a position is still to be counted.
//
// Example:
//   ReadPosition position = reader.position();        // kept while the program is away
//   Reader again({.from = position}, sink);
//   again.Push(bytes_from(position.begin()));         // delivers what is still missing
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace pgbeacon::log {

/// In bytes from the begin of the log. Backends interleave, so records that begin before `end` may
/// still be open there.
struct ReadPosition {
  std::uint64_t end = 0;
  std::vector<std::uint64_t> open;  ///< where the open records begin, ascending
  /// Where reading has to begin again so that lines are understood as they were, for what some mean
  /// depends on those before; absent: at the first open record.
  std::optional<std::uint64_t> since;

  /// Where reading has to begin again.
  std::uint64_t begin() const {
    return std::min({end, since.value_or(end), open.empty() ? end : open.front()});
  }

  bool operator==(const ReadPosition&) const = default;
};

/// Where the lines begin that were read last, one of kLines each, so that reading can go back to
/// some. Not thread-safe. Fixed size.
class LineMarks {
 public:
  static constexpr std::uint64_t kLines = 128;
  static constexpr std::size_t kMarks = 64;
  /// Marks that reading goes back: no line means something else because of one before these.
  static constexpr std::size_t kBack = 4;

  void Add(std::uint64_t offset) { marks_[count_++ % kMarks] = offset; }

  /// Some kBack * kLines lines before `offset`, or as far back as is known; nothing where the line
  /// at `offset` itself is too long ago.
  std::optional<std::uint64_t> Before(std::uint64_t offset) const {
    const std::size_t oldest = count_ > kMarks ? count_ - kMarks : 0;
    std::size_t mark = count_;
    while (mark > oldest && marks_[(mark - 1) % kMarks] > offset) --mark;
    if (mark == oldest) return std::nullopt;
    return marks_[(mark - 1 - std::min(kBack, mark - 1 - oldest)) % kMarks];
  }

 private:
  std::array<std::uint64_t, kMarks> marks_;
  std::size_t count_ = 0;  // added so far
};

/// Tells messages that were delivered before from those that were not. Not thread-safe.
class Resume {
 public:
  Resume() = default;
  explicit Resume(ReadPosition from) : from_(std::move(from)) {}

  /// Whether a message that begins at `offset` was not delivered before.
  bool Awaits(std::uint64_t offset) const {
    return offset >= from_.end || std::binary_search(from_.open.begin(), from_.open.end(), offset);
  }

  /// The same for a message that is now complete; it was delivered from now on.
  bool Take(std::uint64_t offset) {
    if (offset >= from_.end) return true;
    const auto found = std::lower_bound(from_.open.begin(), from_.open.end(), offset);
    if (found == from_.open.end() || *found != offset) return false;
    from_.open.erase(found);
    return true;
  }

  /// Whether `offset` is the first one asked for at which counting begins: true once.
  bool Crosses(std::uint64_t offset) {
    if (crossed_ || offset < from_.end) return false;
    crossed_ = true;
    return true;
  }
  bool crossed() const { return crossed_; }

  /// Where counting begins.
  std::uint64_t end() const { return from_.end; }
  /// The position while nothing behind its end was read: what was delivered meanwhile is open no
  /// more.
  const ReadPosition& left() const { return from_; }

 private:
  ReadPosition from_;
  bool crossed_ = false;
};

}  // namespace pgbeacon::log
