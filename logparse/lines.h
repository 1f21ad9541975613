// Lines: cuts pushed bytes at line feeds, whatever way the bytes were cut before.
//
// Example:
//   LineSplitter splitter(1 << 20);
//   splitter.Push(bytes, 0, [&](std::string_view line, bool cut, std::uint64_t at) { ... });
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgbeacon::log {

/// Lines come without their LF or CRLF, as views into the pushed bytes where these hold the whole
/// line. A line above `most` bytes comes with its first `most` bytes and cut = true. `at` is where
/// the line begins in the log.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t most) : most_(most) {}

  /// `offset`: where the bytes begin in the log.
  template <class OnLine>
  void Push(std::string_view bytes, std::uint64_t offset, OnLine&& on_line) {
    const char* const begin = bytes.data();
    while (!bytes.empty()) {
      const std::uint64_t at = offset + static_cast<std::uint64_t>(bytes.data() - begin);
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (end == std::string_view::npos) {
        if (partial_.empty()) partial_at_ = at;
        Keep(piece);
        return;
      }
      bytes.remove_prefix(end + 1);
      if (partial_.empty()) {
        Emit(piece, at, on_line);
      } else {
        Keep(piece);
        Emit(partial_, partial_at_, on_line);
        Reset();
      }
    }
  }

  /// The line that still lacks its line feed, if any.
  template <class OnLine>
  void Flush(OnLine&& on_line) {
    if (partial_.empty()) return;
    Emit(partial_, partial_at_, on_line);
    Reset();
  }

  /// How far the bytes, which went up to `pushed_to`, were given out as lines.
  std::uint64_t LinesTo(std::uint64_t pushed_to) const {
    return partial_.empty() ? pushed_to : partial_at_;
  }

 private:
  // One byte above the limit is kept: it may be the CR of a line that is just short enough, and
  // tells otherwise that the line is too long.
  void Keep(std::string_view piece) {
    const std::size_t room = most_ + 2 - partial_.size();
    partial_.append(piece.substr(0, room));
  }

  void Reset() {
    if (partial_.capacity() > kKeptCapacity) std::string().swap(partial_);
    partial_.clear();
  }

  template <class OnLine>
  void Emit(std::string_view line, std::uint64_t at, OnLine& on_line) {
    if (line.ends_with('\r') && line.size() <= most_ + 1) line.remove_suffix(1);
    const bool cut = line.size() > most_;
    on_line(line.substr(0, most_), cut, at);
  }

  static constexpr std::size_t kKeptCapacity = std::size_t{1} << 16;

  const std::size_t most_;
  std::string partial_;  // at most most_ + 2 bytes
  std::uint64_t partial_at_ = 0;
};

}  // namespace pgbeacon::log
