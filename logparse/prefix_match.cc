// Matching a line against a compiled prefix.
//
// The fast way takes every field greedily from left to right, a name up to the literal behind it;
// one pass, and right for nearly every line. Where it fails or is ambiguous the slow way starts
// from the end: for each label in reach it searches for lengths of all fields that fit exactly
// before that label, remembering what failed, so its cost is bounded by parts times head length.
//
// Several labels may fit:  "... bob app=x LOG:  duration: 9 ms  statement: y LOG:  real text".
// Either the application is called "x LOG:  ..." or the text quotes a label. Text often does, in
// quotes, comments or libpq's nested "server: FATAL:  ..."; names do only when somebody forges. An
// application name may say anything, so a later label wins unless the text before it has an open
// quote or comment or ends in a nesting colon. A user or database name is known before the client
// has proved who it is, but nearly every message of that stage repeats it ("role "..." does not
// exist"), or is one of a few: a name with a label inside is believed only then. The reader, which
// knows what the session was called before, has the last word (Head::doubtful). Tested by
// tests/unit/logparse/prefix_test.cc.
#include <algorithm>
#include <array>
#include <cstring>

#include "logparse/prefix.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMaxLabels = 16;       // labels considered per line
constexpr std::size_t kMostRepeated = 1024;  // bytes of text in which a name may be repeated
constexpr std::size_t kMostWord = 40;        // bytes of a label in any language

bool HasLiteral(std::string_view line, std::size_t pos, std::string_view literal) {
  if (line.size() - pos < literal.size()) return false;
  return line[pos] == literal[0] &&
         std::memcmp(line.data() + pos, literal.data(), literal.size()) == 0;
}

// Whether what stands between two labels is the text of a message that quotes the second one.
bool QuotesLabel(std::string_view between) {
  if (std::count(between.begin(), between.end(), '\'') % 2 != 0) return true;
  if (std::count(between.begin(), between.end(), '"') % 2 != 0) return true;
  if (between.find("--") != kNone || between.find("$$") != kNone) return true;
  const std::size_t comment = between.rfind("/*");
  if (comment != kNone && between.find("*/", comment) == kNone) return true;
  while (between.ends_with(' ')) between.remove_suffix(1);
  return between.ends_with(':') && !between.ends_with("statement:");
}

bool IsWordByte(char c) {
  return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

// What the server says before it has looked at the names that a client gave.
bool NamesNobody(std::string_view text) {
  constexpr std::array<std::string_view, 7> kBegins = {"sorry, too many clients already",
                                                       "remaining connection slots are reserved",
                                                       "the database system is ",
                                                       "canceling authentication due to timeout",
                                                       "unsupported frontend protocol ",
                                                       "connection authenticated: ",
                                                       "connection ready: "};
  return std::any_of(kBegins.begin(), kBegins.end(),
                     [&](std::string_view begin) { return text.starts_with(begin); });
}

bool HoldsLabel(std::string_view name) { return FindLabel(name, 0, name.size()) != kNone; }

// A name that no honest client has.
bool IsHostile(std::string_view name) { return name.find('\n') != kNone || HoldsLabel(name); }

// Whether `text` repeats a name. A line feed in the name ends the line of the text, too; where the
// name begins with it, what stands before names tells.
bool Repeats(std::string_view text, std::string_view name) {
  const std::size_t line_end = name.find('\n');
  if (line_end == 0) return text.ends_with('"') || text.ends_with('=');
  if (line_end != kNone) return text.ends_with(name.substr(0, line_end));
  return text.substr(0, kMostRepeated).find(name) != kNone;
}

// Whether the server gives a message to clients whose names it does not know yet, or repeats their
// names in it.
bool IsForStrangers(const Label& label, std::string_view text) {
  constexpr std::array<std::string_view, 5> kBegins = {
      "connection authorized: ", "connection authenticated: ", "connection ready: ",
      "disconnection: ", "replication connection authorized: "};
  if (label.part == Part::kDetail)
    return text.starts_with("Role \"") || text.starts_with("User \"");
  if (label.severity == Severity::kFatal) return true;
  return label.severity == Severity::kLog &&
         std::any_of(kBegins.begin(), kBegins.end(),
                     [&](std::string_view begin) { return text.starts_with(begin); });
}

}  // namespace

// The end of the name at `pos`: the first literal behind it, or, before the label, the first
// literal that a label follows.
std::size_t Prefix::NameEnd(std::size_t index, std::string_view line, std::size_t pos) const {
  const Part& part = parts_[index];
  if (index + 1 >= parts_.size() || parts_[index + 1].shape != Shape::kLiteral) return kNone;
  const std::string_view literal = parts_[index + 1].literal;
  const bool last = index + 2 == parts_.size();
  const std::size_t most = std::min(line.size(), pos + part.max_size);
  for (std::size_t end = pos + part.width; end <= most; ++end) {
    // Names are short: a plain loop finds the literal sooner than memchr.
    if (!HasLiteral(line, end, literal)) continue;
    if (!last || ParseLabel(line.substr(end + literal.size()), LabelForm::kTwoBlanks).found()) {
      return FitsName(part, line.substr(pos, end - pos)) ? end : kNone;
    }
  }
  return kNone;
}

bool Prefix::MatchFast(std::string_view line, Head& head) const {
  const LabelForm form = label_form();
  std::size_t pos = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (part.shape == Shape::kLiteral) {
      if (!HasLiteral(line, pos, part.literal)) return false;
      pos += part.literal.size();
    } else if (part.shape == Shape::kStop) {
      head.label = ParseLabel(line.substr(pos), form);
      head.label_begin = pos;
      head.stopped = head.label.found();
      if (head.stopped) return true;
    } else {
      const std::size_t end =
          part.shape == Shape::kName ? NameEnd(i, line, pos) : FieldEnd(part, line, pos);
      if (end == kNone) return false;
      Store(part, line.substr(pos, end - pos), head);
      pos = end;
    }
  }
  head.label = ParseLabel(line.substr(pos), form);
  head.label_begin = pos;
  return head.label.found();
}

/// Names that a text must repeat if they are hostile.
struct Prefix::Repeated {
  std::string_view text;
  bool user = false, database = false;

  bool Allows(const Part& part, std::string_view name) const {
    const bool asked = (user && part.escape == 'u') || (database && part.escape == 'd');
    return !asked || !IsHostile(name) || Repeats(text, name);
  }
};

/// One search for lengths of all parts that end exactly at `end`.
struct Prefix::Search {
  const std::vector<Part>& parts;
  std::string_view line;  // ends where the label begins
  Repeated repeated = {};
  std::vector<bool> failed = {};
  std::vector<std::size_t> ends = {};
  bool stopped = false;

  bool Run() {
    failed.assign((parts.size() + 1) * (line.size() + 1), false);
    ends.assign(parts.size(), kNone);
    return Try(0, 0);
  }

  bool Try(std::size_t index, std::size_t pos) {
    if (index == parts.size()) return pos == line.size();
    const std::size_t state = index * (line.size() + 1) + pos;
    if (failed[state]) return false;
    if (TryPart(index, pos)) return true;
    failed[state] = true;
    return false;
  }

  bool TryEnd(std::size_t index, std::size_t end) {
    if (!Try(index + 1, end)) return false;
    ends[index] = end;
    return true;
  }

  bool TryPart(std::size_t index, std::size_t pos) {
    const Part& part = parts[index];
    if (part.shape == Shape::kLiteral) {
      const std::size_t size = part.literal.size();
      return line.substr(pos, size) == part.literal && TryEnd(index, pos + size);
    }
    if (part.shape == Shape::kStop) {
      stopped = pos == line.size();
      return stopped || TryEnd(index, pos);
    }
    if (part.shape == Shape::kName) return TryName(index, pos);
    std::size_t end = FieldEnd(part, line, pos);
    while (end != kNone) {
      if (TryEnd(index, end)) return true;
      if (end == pos) return false;
      const std::size_t shorter = FieldEnd(part, line.substr(0, end - 1), pos);
      end = shorter == kNone && Optional(part) ? pos : shorter;
    }
    return false;
  }

  bool TryName(std::size_t index, std::size_t pos) {
    const Part& part = parts[index];
    const std::size_t least = pos + part.width;
    const std::size_t most = std::min(line.size(), pos + part.max_size);
    if (least > most) return false;
    const auto fits = [&](std::size_t end) {
      const std::string_view name = line.substr(pos, end - pos);
      return FitsName(part, name) && repeated.Allows(part, name) && TryEnd(index, end);
    };
    if (index + 1 == parts.size()) return line.size() == most && fits(most);
    if (parts[index + 1].shape != Shape::kLiteral) {
      for (std::size_t end = least; end <= most; ++end) {
        if (fits(end)) return true;
      }
      return false;
    }
    const std::string_view literal = parts[index + 1].literal;
    if (index + 2 == parts.size()) {
      const std::size_t end = line.size() - std::min(line.size(), literal.size());
      return end >= least && end <= most && fits(end);
    }
    // Users are called bob@example.org, databases hardly ever are.
    const bool longest = part.escape == 'u' && literal.starts_with('@');
    const auto next = [&](std::size_t end) {
      return longest ? line.rfind(literal, end) : line.find(literal, end);
    };
    std::size_t end = next(longest ? most : least);
    while (end != kNone && end >= least && end <= most) {
      if (fits(end)) return true;
      if (longest && end == 0) return false;
      end = next(longest ? end - 1 : end + 1);
    }
    return false;
  }

  static bool Optional(const Part& part) {
    return part.width == 0 && (part.shape == Shape::kHost || part.shape == Shape::kRemote ||
                               part.shape == Shape::kWord || part.shape == Shape::kVxid);
  }
};

bool Prefix::MatchBefore(std::string_view line, std::size_t label_begin, Head& head) const {
  return MatchBefore(line, label_begin, {}, head);
}

bool Prefix::MatchBefore(std::string_view line, std::size_t label_begin, const Repeated& repeated,
                         Head& head) const {
  Search search{parts_, line.substr(0, label_begin), repeated};
  if (!search.Run()) return false;
  head = {};
  std::size_t pos = 0;
  for (std::size_t i = 0; i < parts_.size() && search.ends[i] != kNone; ++i) {
    const std::size_t end = search.ends[i];
    if (parts_[i].shape != Shape::kLiteral) Store(parts_[i], line.substr(pos, end - pos), head);
    pos = end;
  }
  head.stopped = search.stopped;
  head.label_begin = label_begin;
  head.label = ParseLabel(line.substr(label_begin), LabelForm::kTwoBlanks);
  return true;
}

std::size_t Prefix::NextLabel(std::string_view line, std::size_t from) const {
  return FindLabel(line, from, max_head_ + 1, !ends_in_field_);
}

bool Prefix::MatchSlow(std::string_view line, Head& head) const {
  std::size_t label = NextLabel(line, 0);
  for (std::size_t n = 0; n < kMaxLabels && label != kNone; ++n) {
    if (MatchBefore(line, label, head)) return true;
    label = NextLabel(line, label + 1);
  }
  return false;
}

bool Prefix::MatchStranger(std::string_view line, bool torn, Head& head, std::size_t from) const {
  if (first_raw_ == parts_.size() || !Begins(line)) return false;
  for (const bool proved : {true, false}) {
    if (!proved && !torn) break;
    std::size_t begin = NextLabel(line, from);
    for (std::size_t n = 0; n < kMaxLabels && begin != kNone; ++n) {
      const bool fits = proved ? MatchStrangerBefore(line, begin, head)
                               : MatchBefore(line, begin, head) && !head.label.primary();
      if (fits) {
        if (head.session.empty()) head.session = head.pid;
        head.doubtful = true;
        return true;
      }
      begin = NextLabel(line, begin + 1);
    }
  }
  return false;
}

bool Prefix::MatchStrangerBefore(std::string_view line, std::size_t begin, Head& head) const {
  const Label label = ParseLabel(line.substr(begin), LabelForm::kTwoBlanks);
  std::string_view text = line.substr(begin + label.size);
  text = text.substr(0, text.find('\n'));
  if (!LeadingSqlstate(text).empty()) text.remove_prefix(7);
  if (!IsForStrangers(label, text)) return false;
  const std::array<Repeated, 3> tries = {
      {{text, true, true}, {text, true, false}, {text, false, true}}};
  for (const Repeated& repeated : tries) {
    if (!MatchBefore(line, begin, repeated, head)) continue;
    if (IsHostile(head.user) && Repeats(text, head.user)) return true;
    if (IsHostile(head.database) && Repeats(text, head.database)) return true;
  }
  return NamesNobody(text) && MatchBefore(line, begin, head) &&
         (IsHostile(head.user) || IsHostile(head.database));
}

// Moves `head` to a later label where that is the more likely reading.
void Prefix::PreferLaterLabel(std::string_view line, Head& head) const {
  if (!has_names_) return;
  const std::size_t label = NextLabel(line, head.label_begin + head.label.size);
  if (label != kNone) WeighLabels(line, label, head);
}

// The same for a line that has a further label at `label`.
void Prefix::WeighLabels(std::string_view line, std::size_t label, Head& head) const {
  std::size_t text = head.label_begin + head.label.size;
  if (Head stranger; MatchStranger(line, false, stranger)) {
    head = stranger;
    return;
  }
  bool doubtful = false;
  for (std::size_t n = 0; n < kMaxLabels && label != kNone; ++n) {
    Head later;
    if (MatchBefore(line, label, later)) {
      doubtful = true;
      const std::size_t literal =
          parts_.back().shape == Shape::kLiteral ? parts_.back().literal.size() : 0;
      const std::size_t between = label - std::min(literal, label - text) - text;
      if (!QuotesLabel(line.substr(text, between))) {
        text = label + later.label.size;
        if (!IsHostile(later.user) && !IsHostile(later.database)) head = later;
      }
    }
    label = NextLabel(line, label + 1);
  }
  head.doubtful = doubtful;
}

bool Prefix::Match(std::string_view line, Head& head) const {
  head = {};
  return Complete(line, MatchFast(line, head), head);
}

// Goes on from what the fast way found, or did not.
bool Prefix::Complete(std::string_view line, bool fast, Head& head) const {
  if (!fast) {
    if (!Begins(line)) return false;
    if (!MatchSlow(line, head)) return false;
  } else if (user_at_ && head.database.find('@') != kNone) {
    MatchBefore(line, head.label_begin, head);
  }
  PreferLaterLabel(line, head);
  if (head.session.empty()) head.session = head.pid;
  return true;
}

std::vector<Head> Prefix::Readings(std::string_view line) const {
  std::vector<Head> readings;
  std::size_t label = NextLabel(line, 0);
  for (std::size_t n = 0; n < 2 * kMaxLabels && label != kNone; ++n) {
    Head head;
    if (MatchBefore(line, label, head)) {
      if (head.session.empty()) head.session = head.pid;
      readings.push_back(head);
    }
    label = NextLabel(line, label + 1);
  }
  return readings;
}

bool Prefix::MatchWord(std::string_view line, Head& head) const {
  if (!Begins(line)) return false;
  const std::string_view window = line.substr(0, max_head_ + kMostWord);
  for (std::size_t colon = window.find(":  "); colon != kNone;
       colon = window.find(":  ", colon + 1)) {
    const std::size_t least = colon - std::min(colon, kMostWord);
    for (std::size_t begin = colon; begin-- > least && IsWordByte(line[begin]);) {
      if (begin > 0 && IsWordByte(line[begin - 1])) continue;
      if (!MatchBefore(line, begin, head)) break;
      head.label = {};
      head.label.size = static_cast<std::uint8_t>(colon + 3 - begin);
      if (head.session.empty()) head.session = head.pid;
      return true;
    }
  }
  return false;
}

// Whether `line` fits up to the part `index` and has at most `most` bytes behind that place.
bool Prefix::FitsBefore(std::size_t index, std::string_view line, std::size_t most) const {
  std::size_t pos = 0;
  for (std::size_t i = 0; i < index; ++i) {
    const Part& part = parts_[i];
    if (part.shape == Shape::kStop) continue;
    if (part.shape == Shape::kLiteral) {
      if (!HasLiteral(line, pos, part.literal)) return false;
      pos += part.literal.size();
      continue;
    }
    pos = part.shape == Shape::kName ? NameEnd(i, line, pos) : FieldEnd(part, line, pos);
    if (pos == kNone) return false;
  }
  return line.size() - pos <= most;
}

bool Prefix::EndsInName(std::string_view line) const {
  return first_raw_ != parts_.size() && FitsBefore(first_raw_, line, kMostInHead);
}

bool Prefix::EndsInPlainName(std::string_view line) const {
  return first_raw_ != parts_.size() &&
         FitsBefore(first_raw_, line, std::min(most_names_, kMostInHead));
}

bool Prefix::IsHead(std::string_view line) const {
  return !parts_.empty() && first_raw_ > 0 && FitsBefore(first_raw_, line, kMostInHead);
}

bool Prefix::Begins(std::string_view line) const {
  std::size_t pos = 0;
  for (const Part& part : parts_) {
    if (part.shape == Shape::kName || part.shape == Shape::kStop) return true;
    if (part.shape != Shape::kLiteral) return FieldEnd(part, line, pos) != kNone;
    if (!HasLiteral(line, pos, part.literal)) return false;
    pos += part.literal.size();
  }
  return true;
}

}  // namespace pgbeacon::log
