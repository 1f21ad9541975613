#include "logparse/forms/syslog.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostName = 255;  // RFC 5424's longest field, the host name
constexpr std::size_t kMostTokens = 4;  // between time and tag
constexpr int kMostVotes = 64;
constexpr std::size_t kMostProcesses = 4096;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasForm(std::string_view text, std::string_view form) {
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == 'd' ? !IsDigit(text[i]) : text[i] != form[i]) return false;
  }
  return true;
}

void SkipBlanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

// Takes the word up to the next blank and the blank.
std::string_view TakeWord(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

// "<134>" at the front; -1 and nothing taken where there is none.
int TakePri(std::string_view& text) {
  if (!text.starts_with('<')) return -1;
  const std::size_t end = text.find_first_not_of("0123456789", 1);
  if (end == kNone || end < 2 || end > 4 || text[end] != '>') return -1;
  const int pri = static_cast<int>(ParseInt(text.substr(1, end - 1)).value_or(192));
  if (pri > 191) return -1;
  text.remove_prefix(end + 1);
  return pri;
}

// "2026-11-20T20:14:23.488512+00:00 ".
std::string_view TakeIsoTime(std::string_view& text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (!HasForm(text, kForm)) return {};
  const std::size_t end = text.find_first_not_of("0123456789.:+-Z", kForm.size());
  if (end == kNone || text[end] != ' ') return {};
  const std::string_view time = text.substr(0, end);
  text.remove_prefix(end + 1);
  return time;
}

// "Nov  2 20:14:23 ", also with a year behind the day and parts of the second.
std::string_view TakeMonthTime(std::string_view& text) {
  constexpr std::string_view kMonths = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
  if (text.size() < 16 || text[3] != ' ') return {};
  if (kMonths.find(text.substr(0, 4)) % 4 != 0) return {};
  std::size_t pos = 4;
  if (text[pos] == ' ') ++pos;
  if (!IsDigit(text[pos])) return {};
  while (pos < 6 && IsDigit(text[pos])) ++pos;
  if (text[pos] != ' ') return {};
  ++pos;
  if (HasForm(text.substr(pos), "dddd ")) pos += 5;
  if (!HasForm(text.substr(pos), "dd:dd:dd")) return {};
  pos += 8;
  if (pos < text.size() && text[pos] == '.') pos = text.find_first_not_of("0123456789", pos + 1);
  if (pos == kNone || pos >= text.size()) return {};
  const std::string_view time = text.substr(0, pos);
  if (text[pos] == ':') ++pos;
  if (pos >= text.size() || text[pos] != ' ') return {};
  text.remove_prefix(pos + 1);
  return time;
}

int LevelOfName(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {"emerg",   "alert",  "crit", "err",
                                                      "warning", "notice", "info", "debug"};
  if (name == "panic") return 0;
  if (name == "error") return 3;
  if (name == "warn") return 4;
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? -1 : static_cast<int>(found - kNames.begin());
}

// "local0.info", "local0.info<158>" or "<158>"; -1 if `word` is none of these.
int LevelOfToken(std::string_view word) {
  const std::size_t pri = word.find('<');
  if (pri != kNone) {
    std::string_view rest = word.substr(pri);
    const int value = TakePri(rest);
    return value < 0 || !rest.empty() ? -1 : value % 8;
  }
  const std::size_t dot = word.find('.');
  return dot == kNone || dot == 0 ? -1 : LevelOfName(word.substr(dot + 1));
}

// "postgres[18655]:" or "postgres:".
bool TakeTag(std::string_view word, SyslogLine& line) {
  if (!word.ends_with(':')) return false;
  word.remove_suffix(1);
  if (word.ends_with(']')) {
    const std::size_t open = word.rfind('[');
    if (open == kNone) return false;
    line.pid = word.substr(open + 1, word.size() - open - 2);
    word = word.substr(0, open);
  }
  if (word.empty() || word.size() > kMostName) return false;
  line.ident = word;
  return true;
}

// The words of RFC 3164 behind the time, from the host to the tag.
bool TakeHead(std::string_view& text, SyslogLine& line) {
  for (std::size_t n = 0; n < kMostTokens; ++n) {
    SkipBlanks(text);
    std::string_view rest = text;
    const std::string_view word = TakeWord(rest);
    if (TakeTag(word, line)) {
      text = rest;
      return true;
    }
    const int level = LevelOfToken(word);
    if (level >= 0) {
      line.level = level;
    } else if (line.host.empty() && !word.empty() && word.size() <= kMostName) {
      line.host = word;
    } else {
      return !line.host.empty();  // "last message repeated 2 times"
    }
    text = rest;
  }
  return false;
}

std::string_view OrNothing(std::string_view word) { return word == "-" ? "" : word; }

// `- ` or `[id name="value" ...] `; false where neither stands there.
bool TakeStructuredData(std::string_view& text) {
  if (text == "-" || text.starts_with("- ")) {
    text.remove_prefix(std::min<std::size_t>(text.size(), 2));
    return true;
  }
  while (text.starts_with('[')) {
    bool quoted = false;
    std::size_t pos = 1;
    for (; pos < text.size() && (quoted || text[pos] != ']'); ++pos) {
      if (quoted && text[pos] == '\\') {
        ++pos;
      } else if (text[pos] == '"') {
        quoted = !quoted;
      }
    }
    if (pos >= text.size() || text.substr(0, pos).find("=\"") == kNone) return false;
    text.remove_prefix(pos + 1);
  }
  SkipBlanks(text);
  return true;
}

// RFC 5424 behind "<134>1 ".
bool TakeRfc5424(std::string_view text, SyslogLine& line) {
  line.time = TakeIsoTime(text);
  if (line.time.empty() && TakeWord(text) != "-") return false;
  line.host = OrNothing(TakeWord(text));
  line.ident = OrNothing(TakeWord(text));
  line.pid = OrNothing(TakeWord(text));
  TakeWord(text);  // MSGID
  TakeStructuredData(text);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  line.message = text;
  return true;
}

// "[ID 748625 local0.info] ".
void TakeSolarisId(std::string_view& text, SyslogLine& line) {
  if (!text.starts_with("[ID ")) return;
  const std::size_t end = text.substr(0, 64).find(']');
  if (end == kNone) return;
  const std::size_t facility = text.rfind(' ', end);
  const int level = LevelOfToken(text.substr(facility + 1, end - facility - 1));
  if (level < 0) return;
  line.level = level;
  text.remove_prefix(end + 1);
}

// The byte that "#ooo" at `pos` stands for; -1 if it is no such escape.
int EscapeAt(std::string_view text, std::size_t pos) {
  if (pos + 4 > text.size() || text[pos] != '#') return -1;
  int byte = 0;
  for (std::size_t i = 1; i < 4; ++i) {
    if (text[pos + i] < '0' || text[pos + i] > '7') return -1;
    byte = byte * 8 + (text[pos + i] - '0');
  }
  return byte > 0377 ? -1 : byte;
}

bool IsControl(int byte) { return (byte >= 0 && byte < 040) || byte == 0177; }

}  // namespace

std::optional<SyslogLine> ParseSyslog(std::string_view text) {
  SyslogLine line;
  const int pri = TakePri(text);
  if (pri >= 0) {
    line.level = pri % 8;
    if (text.starts_with("1 ")) {
      return TakeRfc5424(text.substr(2), line) ? std::optional(line) : std::nullopt;
    }
  }
  line.time = TakeIsoTime(text);
  if (line.time.empty()) line.time = TakeMonthTime(text);
  if (line.time.empty() || !TakeHead(text, line)) return std::nullopt;
  if (text.starts_with("[ID ")) TakeSolarisId(text, line);
  line.message = text;
  return line;
}

bool IsServerIdent(std::string_view ident) {
  return ident.find("postgres") != kNone || ident == "postmaster" || ident == "pgsql";
}

bool UnescapeSyslog(std::string_view text, std::string& out) {
  std::size_t mark = text.find('#');
  while (mark != kNone && EscapeAt(text, mark) < 0) mark = text.find('#', mark + 1);
  if (mark == kNone) return false;
  out.clear();
  bool in_run = false;  // of bytes above 0177
  for (std::size_t pos = 0; pos < text.size();) {
    const int byte = EscapeAt(text, pos);
    in_run = byte >= 0200 && (in_run || EscapeAt(text, pos + 4) >= 0200);
    if (!IsControl(byte) && !in_run) {
      out += text[pos++];
      continue;
    }
    out += static_cast<char>(byte);
    pos += 4;
  }
  return true;
}

int LevelOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return 7;
    case Severity::kInfo:
    case Severity::kLog:
      return 6;
    case Severity::kNotice:
    case Severity::kWarning:
      return 5;
    case Severity::kError:
      return 4;
    case Severity::kFatal:
      return 3;
    case Severity::kPanic:
      return 2;
    case Severity::kNone:
      break;
  }
  return -1;
}

Severity SeverityOfLevel(int level) {
  constexpr std::array<Severity, 8> kSeverityOf = {
      Severity::kNone,  Severity::kNone,    Severity::kPanic, Severity::kFatal,
      Severity::kError, Severity::kWarning, Severity::kLog,   Severity::kDebug};
  return level < 0 || level > 7 ? Severity::kNone : kSeverityOf[static_cast<std::size_t>(level)];
}

// A client can make a later piece look like a new record, but not all of them: the majority says.
SyslogNumbers::Meaning SyslogNumbers::Observe(std::string_view process, int number, Looks looks) {
  if (last_.size() >= kMostProcesses) last_.clear();
  int& last = last_[std::string(process)];
  if (number <= last || (number > 1 && looks == Looks::kContinues)) {
    ++pieces_;
  } else if (number > 1 && looks == Looks::kOpens) {
    ++records_;
  }
  last = number;
  if (pieces_ > kMostVotes || records_ > kMostVotes) {
    pieces_ /= 2;
    records_ /= 2;
  }
  if (pieces_ == records_) return Meaning::kUnknown;
  return pieces_ > records_ ? Meaning::kPiece : Meaning::kRecord;
}

}  // namespace pgbeacon::log
