// Lines: cuts pushed bytes at line feeds, whatever way the bytes were cut before.
//
// Example:
//   LineSplitter splitter(1 << 20);
//   splitter.Push(bytes, [&](std::string_view line, bool cut) { ... });
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace pgbeacon::log {

/// Lines come without their LF or CRLF, as views into the pushed bytes where these hold the whole
/// line. A line above `most` bytes comes with its first `most` bytes and cut = true.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t most) : most_(most) {}

  template <class OnLine>
  void Push(std::string_view bytes, OnLine&& on_line) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (end == std::string_view::npos) {
        Keep(piece);
        return;
      }
      bytes.remove_prefix(end + 1);
      if (partial_.empty()) {
        Emit(piece, on_line);
      } else {
        Keep(piece);
        Emit(partial_, on_line);
        Reset();
      }
    }
  }

  /// The line that still lacks its line feed, if any.
  template <class OnLine>
  void Flush(OnLine&& on_line) {
    if (partial_.empty()) return;
    Emit(partial_, on_line);
    Reset();
  }

 private:
  // One byte above the limit is kept: it may be the CR of a line that is just short enough, and
  // tells otherwise that the line is too long.
  void Keep(std::string_view piece) {
    const std::size_t room = most_ + 2 - partial_.size();
    partial_.append(piece.substr(0, room));
  }

  void Reset() {
    if (partial_.capacity() > kKeptCapacity) partial_ = std::string();
    partial_.clear();
  }

  template <class OnLine>
  void Emit(std::string_view line, OnLine& on_line) {
    if (line.ends_with('\r') && line.size() <= most_ + 1) line.remove_suffix(1);
    const bool cut = line.size() > most_;
    on_line(line.substr(0, most_), cut);
  }

  static constexpr std::size_t kKeptCapacity = std::size_t{1} << 16;

  const std::size_t most_;
  std::string partial_;  // at most most_ + 2 bytes
};

}  // namespace pgbeacon::log
