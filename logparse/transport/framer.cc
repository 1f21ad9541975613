#include "logparse/transport/framer.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsFirstDigit(char c) { return c >= '1' && c <= '9'; }
bool IsSeparator(char c) { return c == '\n' || c == '\r' || c == '\0'; }

}  // namespace

bool Framer::Next(std::string_view& bytes, Cut& frame) {
  if (given_) Release();
  if (carried_ != 0) held_.assign(1, std::exchange(carried_, '\0'));
  while (!bytes.empty()) {
    switch (mode_) {
      case Mode::kBegin:
        Begin(bytes);
        break;
      case Mode::kLine:
        if (ReadLine(bytes, frame)) return true;
        break;
      case Mode::kCounted:
        if (ReadCounted(bytes, frame)) return true;
        break;
      case Mode::kSkip:
        Skip(bytes);
        break;
      case Mode::kLost:
        Search(bytes);
        break;
    }
  }
  return false;
}

bool Framer::Last(Cut& frame) {
  if (given_) Release();
  const Mode mode = std::exchange(mode_, Mode::kBegin);
  const bool text = mode == Mode::kLine || (mode == Mode::kBegin && !after_count_);
  if (held_.empty() || !(text || mode == Mode::kCounted)) return false;
  // Only the blank that was counted is missing.
  const bool whole = mode == Mode::kCounted && counted_ == 0 && left_ == 1;
  if (whole) ++bad_frames_;
  frame.bytes = std::string_view(held_).substr(0, most_);
  frame.cut = held_.size() > most_ || !(text || whole);
  return true;
}

void Framer::Release() {
  std::string().swap(held_);  // assignment would keep its memory
  given_ = false;
}

// One byte above the limit tells that a frame is too long; the last may be the CR of a line.
void Framer::Keep(std::string_view piece) {
  held_.append(piece.substr(0, most_ + 2 - std::min(most_ + 2, held_.size())));
}

// ---- The begin of a frame ----

// A count is told from text by the blank behind it and, where frames have a PRI, by that of its
// frame.
Framer::Count Framer::ReadCount(std::string_view text) const {
  Count count;
  while (count.digits < text.size() && IsDigit(text[count.digits])) {
    if (count.digits == kMostDigits) return count;
    count.bytes = count.bytes * 10 + static_cast<std::uint64_t>(text[count.digits++] - '0');
  }
  if (count.digits < text.size() && text[count.digits] != ' ') return count;
  if (count.digits + 1 >= text.size()) {
    count.is = Count::Is::kUnknown;
  } else if (count.bytes > (blank_counted_ ? 1 : 0) &&
             (!has_pri_ || text[count.digits + 1] == '<')) {
    count.is = Count::Is::kCount;
  }
  return count;
}

void Framer::Begin(std::string_view& bytes) {
  if (held_.empty()) {
    if (IsSeparator(bytes[0])) {
      ends_ = {};
      bytes.remove_prefix(1);
      return;
    }
    if (!IsFirstDigit(bytes[0])) {
      if (!after_count_ || bytes[0] == '<') {
        mode_ = Mode::kLine;
      } else if (bytes[0] == '0' && counted_ == 1 && IsFirstDigit(ends_[1])) {
        held_.assign(1, ends_[1]);  // the first digit of this count, taken for a part of the frame
        blank_counted_ = true;
        ++bad_frames_;
      } else {
        Misfit();
      }
      return;
    }
  }
  // The count may have come in part before.
  constexpr std::size_t kMost = kMostDigits + 2;
  std::array<char, kMost> text;
  const std::size_t before = held_.copy(text.data(), kMost);
  const std::size_t size = before + bytes.copy(text.data() + before, kMost - before);
  const Count count = ReadCount({text.data(), size});
  if (count.is == Count::Is::kUnknown) {
    held_.append(bytes);
    bytes = {};
  } else if (count.is == Count::Is::kCount) {
    bytes.remove_prefix(count.digits + 1 - std::min(before, count.digits + 1));
    held_.clear();
    count_ = count;
    left_ = count.bytes - (blank_counted_ ? 1 : 0);
    mode_ = Mode::kCounted;
  } else if (after_count_) {
    Misfit();
  } else {
    mode_ = Mode::kLine;
  }
}

// ---- Frames ----

bool Framer::ReadLine(std::string_view& bytes, Cut& frame) {
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  line = line.substr(0, line.find('\0'));
  if (line.size() == bytes.size()) {
    Keep(line);
    bytes = {};
    return false;
  }
  bytes.remove_prefix(line.size() + 1);
  if (!held_.empty()) {
    Keep(line);
    line = held_;
    given_ = true;
  }
  if (line.ends_with('\r') && line.size() <= most_ + 1) line.remove_suffix(1);
  frame = {line.substr(0, most_), line.size() > most_};
  has_pri_ = has_pri_ || line.starts_with('<');
  after_count_ = false;
  mode_ = Mode::kBegin;
  return true;
}

bool Framer::ReadCounted(std::string_view& bytes, Cut& frame) {
  const std::string_view piece = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
  bytes.remove_prefix(piece.size());
  left_ -= piece.size();
  if (held_.empty()) end_before_ = ends_[1];
  ends_ = {piece.size() > 1 ? piece[piece.size() - 2] : ends_[1], piece.back()};
  if (left_ != 0 || !held_.empty()) Keep(piece);
  if (left_ != 0) return false;
  given_ = !held_.empty();
  const std::string_view whole = given_ ? std::string_view(held_) : piece;
  frame = {whole.substr(0, most_), whole.size() > most_};
  has_pri_ = has_pri_ || whole.starts_with('<');
  after_count_ = true;
  mode_ = Mode::kBegin;
  if (counted_ < 3) ++counted_;
  // What follows the line feed at the end of the first frame is the next count's first digit.
  if (counted_ == 1 && !frame.cut && ends_[0] == '\n' && IsFirstDigit(ends_[1]) &&
      whole.size() > 2) {
    frame.bytes.remove_suffix(1);
    carried_ = ends_[1];
    blank_counted_ = true;
    ++bad_frames_;
  }
  return true;
}

void Framer::Skip(std::string_view& bytes) {
  const std::size_t size = std::min<std::uint64_t>(left_, bytes.size());
  bytes.remove_prefix(size);
  left_ -= size;
  if (left_ == 0) mode_ = Mode::kBegin;
}

// ---- Counts that do not fit ----

// What stands behind a counted frame begins none.
void Framer::Misfit() {
  ++bad_frames_;
  // Where the blank is counted, the first frame took the first digit of the second count.
  if (counted_ == 2 && !blank_counted_ && IsFirstDigit(end_before_) &&
      count_.digits < kMostDigits) {
    std::uint64_t rest = static_cast<std::uint64_t>(end_before_ - '0');
    for (std::size_t i = 0; i < count_.digits; ++i) rest *= 10;
    if (--rest > held_.size()) {
      left_ = rest - held_.size();
      std::string().swap(held_);
      blank_counted_ = true;
      mode_ = Mode::kSkip;
      return;
    }
  }
  counted_ = 3;
  blank_counted_ = false;
  ends_ = {};
  mode_ = Mode::kLost;
  const std::string seen = std::exchange(held_, {});
  for (const char c : seen) Extend(c);
}

// Takes `c` as part of the begin of a frame, "123 <134>" or "\n<134>"; true when it is complete.
bool Framer::Extend(char c) {
  const std::size_t pri = held_.find('<');
  bool fits = false;
  if (pri != std::string::npos) {
    const std::size_t digits = held_.size() - pri - 1;
    fits = IsDigit(c) ? digits < 3 : c == '>' && digits > 0;
  } else if (!held_.empty()) {
    const bool blank = !IsDigit(held_.back());
    fits = blank ? c == '<' : c == ' ' || (IsDigit(c) && held_.size() < kMostDigits);
  }
  if (!fits) held_.clear();
  if (fits || IsFirstDigit(c) || c == '\n') held_ += c;
  return fits && c == '>';
}

void Framer::Search(std::string_view& bytes) {
  while (!bytes.empty()) {
    const char c = bytes[0];
    bytes.remove_prefix(1);
    if (!Extend(c)) continue;
    const std::size_t pri = held_.find('<');
    const std::string begin = held_.substr(pri);
    if (held_[0] == '\n') {
      mode_ = Mode::kLine;
    } else {
      const auto count = static_cast<std::uint64_t>(*ParseInt(held_.substr(0, pri - 1)));
      if (count <= begin.size()) {
        held_.clear();
        continue;
      }
      count_ = {Count::Is::kCount, count, pri - 1};
      left_ = count - begin.size();
      mode_ = Mode::kCounted;
    }
    held_ = begin;
    return;
  }
}

}  // namespace pgbeacon::log
