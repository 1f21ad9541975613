// HeldLines: the lines that wait until the prefix of their log is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/envelope.h"

namespace pgbeacon::log {

/// Bounded: Enough() comes true before it grows beyond 200 lines or 64 KiB and one line.
class HeldLines {
 public:
  /// Labelled lines that suffice to decide about a prefix.
  static constexpr std::size_t kLabels = 16;

  /// `unwrap` takes the envelope off a line.
  explicit HeldLines(Envelope (*unwrap)(std::string_view) = Unwrap) : unwrap_(unwrap) {}

  /// `at`: where the line begins in the log.
  void Add(std::string_view line, bool cut, std::uint64_t at);

  bool empty() const { return lines_.empty(); }
  std::size_t bytes() const { return bytes_.size(); }
  bool Enough() const;
  /// Where the first line begins.
  std::uint64_t begin() const { return lines_.front().at; }

  /// What the lines of the server show of its prefix: of each line with a label the part inside its
  /// envelope. A line without an envelope between others that have one may be the rest of a record
  /// with raw line feeds; it tells nothing. Views into this object.
  std::vector<std::string_view> Bodies() const;

  /// Whether most of the bodies stood in envelopes.
  bool Enveloped() const { return enveloped_ * 2 > labels_; }

  template <class OnLine>
  void ForEach(OnLine&& on_line) const {
    for (const Line& line : lines_) on_line(LineAt(line), line.cut, line.at);
  }

 private:
  struct Line {
    std::size_t begin = 0, size = 0;
    std::uint64_t at = 0;
    bool cut = false, tells = false;
  };

  std::string_view LineAt(const Line& line) const {
    return std::string_view(bytes_).substr(line.begin, line.size);
  }

  std::string_view BodyOf(std::string_view line) const;

  Envelope (*unwrap_)(std::string_view);
  std::string bytes_;
  std::vector<Line> lines_;
  std::size_t labels_ = 0;
  std::size_t enveloped_ = 0;
};

}  // namespace pgbeacon::log
