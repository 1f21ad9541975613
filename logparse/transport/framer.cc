#include "logparse/transport/framer.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsFirstDigit(char c) { return c >= '1' && c <= '9'; }
bool IsSeparator(char c) { return c == '\n' || c == '\r' || c == '\0'; }

// Assignment would keep its memory.
void Free(std::string& text) { std::string().swap(text); }

constexpr std::size_t kMostDigits = 9;  // of a count
constexpr std::size_t kNear = 16;       // bytes by which counts are off as a rule
constexpr std::size_t kHeader = 16;     // of "123456789 <134>"

// Whether "123 <134>" stands at `pos`.
bool IsHeader(std::string_view text, std::size_t pos) {
  if (pos >= text.size() || !IsFirstDigit(text[pos])) return false;
  const std::size_t begin = pos;
  while (pos < text.size() && IsDigit(text[pos])) ++pos;
  if (pos - begin > kMostDigits || text.substr(pos, 2) != " <") return false;
  const std::size_t pri = pos += 2;
  while (pos < text.size() && IsDigit(text[pos])) ++pos;
  return pos > pri && pos <= pri + 3 && pos < text.size() && text[pos] == '>';
}

// Where a frame ends of which the count says that it has `count` bytes; 0: no other one follows.
std::size_t EndNear(std::string_view text, std::size_t count) {
  text = text.substr(0, count + kNear + kHeader);
  if (IsHeader(text, count)) return count;
  if (IsHeader(text, count + 1)) return count + 1;
  if (count > 1 && IsHeader(text, count - 1)) return count - 1;
  for (std::size_t off = 2; off <= kNear; ++off) {
    if (IsHeader(text, count + off)) return count + off;
  }
  return 0;
}

}  // namespace

bool Framer::Next(std::string_view& bytes, Cut& frame) {
  Release();
  if (carried_ != 0) held_.assign(1, std::exchange(carried_, '\0'));
  for (;;) {
    reading_again_ = again_at_ < again_.size();
    if (!reading_again_) {
      if (!again_.empty()) Free(again_);
      if (bytes.empty()) return false;
      if (Step(bytes, frame)) return true;
      continue;
    }
    std::string_view rest = std::string_view(again_).substr(again_at_);
    const bool complete = Step(rest, frame);
    again_at_ = again_.size() - rest.size() - std::exchange(back_, 0);
    if (complete) return true;
  }
}

bool Framer::Step(std::string_view& bytes, Cut& frame) {
  switch (mode_) {
    case Mode::kBegin:
      return Begin(bytes) && GiveDoubted(frame);
    case Mode::kLine:
      return ReadLine(bytes, frame);
    case Mode::kCounted:
      return ReadCounted(bytes, frame);
    case Mode::kSkip:
      Skip(bytes);
      return false;
    case Mode::kLost:
      Search(bytes);
      return false;
  }
  return false;
}

bool Framer::Last(Cut& frame) {
  for (;;) {
    std::string_view none;
    if (Next(none, frame) || GiveDoubted(frame)) return true;
    if (mode_ != Mode::kCounted) break;
    const std::size_t end = FindInner(std::string_view(held_).substr(0, most_), true);
    if (end == 0) break;
    Rescan(std::exchange(held_, {}), end);
  }
  const Mode mode = std::exchange(mode_, Mode::kBegin);
  const bool text = mode == Mode::kLine || (mode == Mode::kBegin && !after_count_);
  given_ = std::exchange(held_, {});
  if (given_.empty() || !(text || mode == Mode::kCounted)) {
    Release();
    return false;
  }
  // Only the blank that was counted is missing.
  const bool whole = mode == Mode::kCounted && counted_ == 0 && left_ == 1;
  if (whole) ++bad_frames_;
  frame.bytes = std::string_view(given_).substr(0, most_);
  frame.cut = given_.size() > most_ || !(text || whole);
  return true;
}

bool Framer::GiveDoubted(Cut& frame) {
  if (doubted_.empty()) return false;
  given_ = std::exchange(doubted_, {});
  frame = {given_, false};
  return true;
}

void Framer::Release() {
  if (!given_.empty()) Free(given_);
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

// Whether it is decided that a frame may end here.
bool Framer::Begin(std::string_view& bytes) {
  if (held_.empty()) {
    if (IsSeparator(bytes[0])) {
      ends_ = {};
      bytes.remove_prefix(1);
      return true;
    }
    if (!IsFirstDigit(bytes[0])) {
      if (!after_count_ || bytes[0] == '<') {
        mode_ = Mode::kLine;
        return true;
      }
      if (bytes[0] == '0' && counted_ == 1 && IsFirstDigit(ends_[1])) {
        held_.assign(1, ends_[1]);  // the first digit of this count, taken for a part of the frame
        blank_counted_ = true;
        ++bad_frames_;
      } else {
        Misfit();
      }
      return false;
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
    return false;
  }
  if (count.is == Count::Is::kCount) {
    bytes.remove_prefix(count.digits + 1 - std::min(before, count.digits + 1));
    held_.clear();
    count_ = count;
    tried_ = after_count_ ? 0 : count.digits;
    left_ = count.bytes - (blank_counted_ ? 1 : 0);
    mode_ = Mode::kCounted;
  } else if (after_count_) {
    Misfit();
    return false;
  } else {
    mode_ = Mode::kLine;
  }
  return true;
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
    given_ = std::exchange(held_, {});
    line = given_;
  }
  if (line.ends_with('\r') && line.size() <= most_ + 1) line.remove_suffix(1);
  frame = {line.substr(0, most_), line.size() > most_};
  has_pri_ = has_pri_ || line.starts_with('<');
  after_count_ = false;
  mode_ = Mode::kBegin;
  return true;
}

bool Framer::ReadCounted(std::string_view& bytes, Cut& frame) {
  std::size_t size = std::min<std::uint64_t>(left_, bytes.size());
  const bool watched = miscounts_ && tried_ + 1 < count_.digits;
  if (watched) {
    const std::uint64_t decides = Suffix(tried_ + 1) + kNear + kHeader;
    if (decides <= most_ && decides > held_.size()) {
      size = std::min<std::uint64_t>(size, decides - held_.size());
    }
  }
  const std::string_view piece = bytes.substr(0, size);
  bytes.remove_prefix(size);
  left_ -= size;
  if (held_.empty()) end_before_ = ends_[1];
  ends_ = {piece.size() > 1 ? piece[piece.size() - 2] : ends_[1], piece.back()};
  if (left_ != 0 || watched || !held_.empty()) Keep(piece);
  if (watched && held_.size() <= most_) {
    const std::size_t end = FindInner(held_, left_ == 0);
    if (end != 0) {
      Rescan(std::exchange(held_, {}), end);
      return false;
    }
  }
  if (left_ != 0) return false;
  given_ = std::exchange(held_, {});
  const std::string_view whole = given_.empty() ? piece : std::string_view(given_);
  frame = {whole.substr(0, most_), whole.size() > most_};
  has_pri_ = has_pri_ || whole.starts_with('<');
  after_count_ = true;
  mode_ = Mode::kBegin;
  if (counted_ < 3) ++counted_;
  if (!miscounts_ && !frame.cut) {
    inner_end_ = FindInner(whole, true);
    if (inner_end_ != 0) {
      doubted_ = given_.empty() ? std::string(whole) : std::exchange(given_, {});
      return false;
    }
  }
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
  if (!doubted_.empty()) {
    Rescan(std::exchange(doubted_, {}) + std::exchange(held_, {}), inner_end_);
    return;
  }
  ++bad_frames_;
  // Where the blank is counted, the first frame took the first digit of the second count.
  if (counted_ == 2 && !blank_counted_ && IsFirstDigit(end_before_) &&
      count_.digits < kMostDigits) {
    std::uint64_t rest = static_cast<std::uint64_t>(end_before_ - '0');
    for (std::size_t i = 0; i < count_.digits; ++i) rest *= 10;
    left_ = rest - 1;
    again_ = std::exchange(held_, {});
    again_at_ = 0;
    blank_counted_ = true;
    mode_ = Mode::kSkip;
    return;
  }
  miscounts_ = true;
  counted_ = 3;
  blank_counted_ = false;
  ends_ = {};
  mode_ = Mode::kLost;
  const std::string seen = std::exchange(held_, {});
  for (const char c : seen) Extend(c);
}

// The count that the last digits of the last one give, with the blank if that is counted; 0: none.
std::uint64_t Framer::Suffix(std::size_t digits) const {
  std::uint64_t power = 1;
  for (std::size_t i = 1; i < digits; ++i) power *= 10;
  const std::uint64_t bytes = count_.bytes % (power * 10);
  return bytes < power ? 0 : bytes - (blank_counted_ ? 1 : 0);
}

// Where the message would end by the last digits of its count, the fewest first, if another frame
// follows there; 0: nowhere. What is decided already is not tried again.
std::size_t Framer::FindInner(std::string_view message, bool whole) {
  for (; tried_ + 1 < count_.digits; ++tried_) {
    const std::uint64_t count = Suffix(tried_ + 1);
    if (count == 0) continue;
    if (!whole && message.size() < count + kNear + kHeader) return 0;
    if (count >= message.size()) continue;
    const std::size_t end = EndNear(message, static_cast<std::size_t>(count));
    if (end != 0) return end;
  }
  return 0;
}

// `bytes`, the last that came, are read once more, as a frame that ends at `end` and what follows.
void Framer::Rescan(std::string bytes, std::size_t end) {
  ++bad_frames_;
  miscounts_ = true;
  counted_ = 3;
  ends_ = {};
  left_ = end;
  count_ = {Count::Is::kCount, end, 0};
  mode_ = Mode::kCounted;
  if (reading_again_) {
    back_ = bytes.size();
  } else {
    again_ = std::move(bytes);
    again_at_ = 0;
  }
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
    fits = blank ? c == '<' : c == ' ' || IsDigit(c);
    if (!blank && IsDigit(c) && held_.size() == kMostDigits) {
      held_.erase(0, std::min(held_.find_first_not_of('0', 1), held_.size()));
    }
  }
  if (!fits) held_.clear();
  if ((fits && !(held_.empty() && c == '0')) || IsFirstDigit(c) || c == '\n') held_ += c;
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
      tried_ = 0;
      left_ = count - begin.size();
      mode_ = Mode::kCounted;
    }
    held_ = begin;
    return;
  }
}

}  // namespace pgbeacon::log
