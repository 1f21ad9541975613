#include "logparse/transport/logplex.h"

#include <algorithm>
#include <cstddef>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostDigits = 9;  // of a count
constexpr std::size_t kNear = 16;       // bytes by which counts are off as a rule

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsFirstDigit(char c) { return c >= '1' && c <= '9'; }

// A message and where the next one begins.
struct Extent {
  std::size_t begin = 0, end = 0;
};

// "83 " at `pos`: where the message begins and ends by it. Nothing: no count stands there.
std::optional<Extent> CountAt(std::string_view body, std::size_t pos) {
  if (pos >= body.size() || !IsFirstDigit(body[pos])) return std::nullopt;
  std::size_t count = 0;
  std::size_t at = pos;
  for (; at < body.size() && IsDigit(body[at]); ++at) {
    if (at - pos == kMostDigits) return std::nullopt;
    count = count * 10 + static_cast<std::size_t>(body[at] - '0');
  }
  if (at >= body.size() || body[at] != ' ') return std::nullopt;
  return Extent{at + 1, at + 1 + count};
}

// "<134>1 " at `pos`, also without the version.
bool IsPri(std::string_view body, std::size_t pos, bool version) {
  if (pos >= body.size() || body[pos] != '<') return false;
  const std::size_t digits = pos + 1;
  for (++pos; pos < body.size() && IsDigit(body[pos]);) ++pos;
  if (pos == digits || pos > digits + 3 || pos >= body.size() || body[pos] != '>') return false;
  return !version || body.substr(pos + 1, 2) == "1 ";
}

std::size_t SkipSeparators(std::string_view body, std::size_t pos) {
  while (pos < body.size() && (body[pos] == '\n' || body[pos] == '\r' || body[pos] == '\0')) ++pos;
  return pos;
}

// Whether a counted message begins at `pos`.
bool Begins(std::string_view body, std::size_t pos) {
  const std::optional<Extent> extent = CountAt(body, pos);
  return extent && IsPri(body, extent->begin, false);
}

// Whether the body ends at `pos`, or a message begins there or behind a line feed.
bool IsEnd(std::string_view body, std::size_t pos) {
  if (pos > body.size()) return false;
  const std::size_t next = SkipSeparators(body, pos);
  return next == body.size() || Begins(body, next);
}

// Whether a message begins at `pos` whose count fits, or is off by `off` bytes at most.
bool Fits(std::string_view body, std::size_t pos, std::size_t off = 0) {
  const std::optional<Extent> extent = CountAt(body, pos);
  if (!extent || !IsPri(body, extent->begin, false)) return false;
  for (std::size_t end = extent->end - std::min(off, extent->end); end <= extent->end + off;
       ++end) {
    if (IsEnd(body, end)) return true;
  }
  return false;
}

// A message seems to end at `end`, for a count follows. Its digits may be those of the text before,
// or the text's may be of it: the count that fits tells.
std::size_t Settle(std::string_view body, std::size_t end) {
  if (end == body.size() || !IsDigit(body[end])) return end;
  for (const std::size_t off : {0, 1}) {
    if (Fits(body, end, off)) return end;
    if (IsDigit(body[end - 1]) && Fits(body, end - 1, off)) return end - 1;
    if (Fits(body, end + 1, off)) return end + 1;
  }
  return end;
}

// The first count with a PRI and version behind it that begins in [from, to); the size of the body
// if there is none. Digits of the text before it may look like a part of it.
std::size_t Find(std::string_view body, std::size_t from, std::size_t to) {
  const std::string_view scope = body.substr(0, std::min(body.size(), to + kMostDigits + 2));
  for (std::size_t mark = scope.find(" <", from); mark != kNone;
       mark = scope.find(" <", mark + 1)) {
    if (!IsPri(body, mark + 1, true)) continue;
    std::size_t begin = mark;
    while (begin > from && mark - begin < kMostDigits && IsDigit(body[begin - 1])) --begin;
    while (begin < mark && body[begin] == '0') ++begin;
    if (begin == mark || begin >= to) continue;
    for (std::size_t pos = begin; pos < mark; ++pos) {
      if (Fits(body, pos)) return pos;
    }
    return begin;
  }
  return body.size();
}

// Where the message that begins at extent.begin ends although its count does not fit.
std::size_t FindEnd(std::string_view body, Extent extent) {
  if (extent.end <= body.size()) {
    const std::size_t before = extent.end - std::min(extent.end - extent.begin, kNear);
    const std::size_t near = Find(body, before, extent.end + kNear);
    if (near < body.size()) return near;
  }
  return Find(body, extent.begin, body.size());
}

}  // namespace

std::optional<std::string_view> LogplexBody::Next() {
  rest_.remove_prefix(SkipSeparators(rest_, 0));
  while (!rest_.empty()) {
    std::size_t begin = 0;
    std::size_t end = 0;
    if (const std::optional<Extent> extent = CountAt(rest_, 0)) {
      begin = extent->begin;
      end = extent->end;
      end = IsEnd(rest_, end) ? Settle(rest_, end) : FindEnd(rest_, *extent);
      if (end != extent->end) ++bad_frames_;
    } else {
      ++bad_frames_;
      const bool line = IsPri(rest_, 0, false);
      const std::string_view scope = rest_.substr(0, line ? rest_.find('\n') : kNone);
      end = Find(scope, 0, scope.size());
      if (!line) begin = end;
    }
    const std::string_view message = rest_.substr(begin, end - begin);
    rest_.remove_prefix(end);
    rest_.remove_prefix(SkipSeparators(rest_, 0));
    if (!message.empty()) return message;
  }
  return std::nullopt;
}

std::optional<LogplexLoss> ParseLogplexLoss(std::string_view message) {
  if (message.starts_with("- ")) message.remove_prefix(2);
  const bool tail = message.starts_with("Error L11 ");
  if (!tail && !message.starts_with("Error L10 ")) return std::nullopt;
  const std::size_t mark = message.find(" message");
  const std::size_t dropped = message.find(" dropped ");
  if (mark == kNone || dropped == kNone) return std::nullopt;
  const std::size_t number = message.rfind(' ', mark - 1) + 1;
  const std::optional<std::int64_t> count = ParseInt(message.substr(number, mark - number));
  if (!count || *count < 0) return std::nullopt;
  return LogplexLoss{tail, static_cast<std::uint64_t>(*count)};
}

}  // namespace pgbeacon::log
