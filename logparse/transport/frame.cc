#include "logparse/transport/frame.h"

#include <algorithm>
#include <cstddef>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsName(char c) {
  return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || IsDigit(c) || c == '-' || c == '_' ||
         c == '.' || c == '/';
}
bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

// 'd' stands for any digit.
bool HasForm(std::string_view text, std::string_view form) {
  if (text.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == 'd' ? !IsDigit(text[i]) : text[i] != form[i]) return false;
  }
  return true;
}

// Without the line feeds and NULs with which senders end a message. A CR before them stays: it may
// be the end of a statement.
std::string_view WithoutEnd(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) {
    text.remove_suffix(1);
  }
  return text;
}

// Takes the word up to the next blank and the blank.
std::string_view TakeWord(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::string_view OrNothing(std::string_view word) { return word == "-" ? "" : word; }

// "<134>" at the front, without leading zeros and 191 at most.
bool TakePri(std::string_view& text, Frame& frame) {
  if (text.size() < 3 || text[0] != '<') return false;
  std::size_t end = 1;
  int pri = 0;
  while (end < std::min<std::size_t>(text.size(), 4) && IsDigit(text[end])) {
    pri = pri * 10 + (text[end++] - '0');
  }
  if (end == 1 || end >= text.size() || text[end] != '>') return false;
  if (pri > 191 || (text[1] == '0' && end > 2)) return false;
  frame.facility = pri / 8;
  frame.level = pri % 8;
  frame.has_pri = true;
  text.remove_prefix(end + 1);
  return true;
}

// The size of "2026-11-20T20:14:23.488512+00:00" at the front; 0: there is none.
std::size_t IsoTimeSize(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
  if (text.size() < kForm.size() || (text[10] | 0x20) != 't') return 0;
  if (!HasForm(text, kForm.substr(0, 10)) || !HasForm(text.substr(11), kForm.substr(11))) return 0;
  std::size_t end = kForm.size();
  while (end < text.size() && (IsDigit(text[end]) || text[end] == '.' || text[end] == ',' ||
                               text[end] == ':' || text[end] == '+' || text[end] == '-')) {
    ++end;
  }
  if (end < text.size() && (text[end] | 0x20) == 'z') ++end;
  return end == text.size() || text[end] == ' ' ? end : 0;
}

// ---- RFC 5424 ----

// The size of the elements `[id name="value" ...]` at the front; 0: there are none, or what looks
// like one is the begin of the message. Only private names ("x@32473") may stand without a value.
std::size_t DataSize(std::string_view text) {
  std::size_t pos = 0;
  while (pos < text.size() && text[pos] == '[') {
    const std::size_t id = ++pos;
    while (pos < text.size() && text[pos] > ' ' && text[pos] < '\x7f' && text[pos] != ']' &&
           text[pos] != '=' && text[pos] != '"') {
      ++pos;
    }
    const std::string_view name = text.substr(id, pos - id);
    bool has_value = false;
    while (pos < text.size() && text[pos] == ' ') {
      while (pos < text.size() && text[pos] == ' ') ++pos;
      const std::size_t param = pos;
      while (pos < text.size() && text[pos] > ' ' && text[pos] != '=' && text[pos] != ']') ++pos;
      if (pos == param || text.substr(pos, 2) != "=\"") break;
      pos += 2;
      while (pos < text.size() && text[pos] != '"') pos += text[pos] == '\\' ? 2 : 1;
      if (pos >= text.size()) return 0;
      ++pos;
      has_value = true;
    }
    if (pos >= text.size() || text[pos] != ']' || name.empty()) return 0;
    if (!has_value && name.find('@') == kNone) return 0;
    ++pos;
  }
  return pos == text.size() || text[pos] == ' ' ? pos : 0;
}

// Whether "-" at the front is the STRUCTURED-DATA. Logplex itself, whose HOSTNAME is "host", sends
// none, so there it begins the message, but for lines of Logplex' older releases.
bool IsNilData(std::string_view text, const Frame& frame) {
  if (text != "-" && !text.starts_with("- ")) return false;
  if (frame.host != "host") return true;
  return text.starts_with("- [") || (frame.app == "heroku" && frame.process == "logplex");
}

// Behind PRI and VERSION.
bool TakeRfc5424(std::string_view text, Frame& frame) {
  const std::size_t time = text.starts_with("- ") || text == "-" ? 1 : IsoTimeSize(text);
  if (time == 0) return false;
  frame.protocol = Protocol::kRfc5424;
  frame.time = OrNothing(TakeWord(text));
  frame.host = OrNothing(TakeWord(text));
  frame.app = OrNothing(TakeWord(text));
  frame.process = OrNothing(TakeWord(text));
  frame.id = OrNothing(TakeWord(text));
  std::size_t data = 1;
  if (!IsNilData(text, frame)) {
    data = DataSize(text);
    frame.data = text.substr(0, data);
  }
  if (data != 0) {
    text.remove_prefix(data);
    if (text.starts_with(' ')) text.remove_prefix(1);
  } else if (!text.empty()) {
    frame.protocol = Protocol::kLogplex;
  }
  // "heroku web.3 d.73ea7440-... - State changed": HOSTNAME was the source, PROCID the drain.
  if (frame.process.starts_with("d.") && (frame.host == "heroku" || frame.host == "app")) {
    frame.process = frame.app;
    frame.app = frame.host;
    frame.host = {};
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  frame.message = text;
  return true;
}

// "1 " at the front.
bool TakeVersion(std::string_view& text) {
  if (text.empty() || text[0] < '1' || text[0] > '9') return false;
  std::size_t end = 1;
  while (end < std::min<std::size_t>(text.size(), 3) && IsDigit(text[end])) ++end;
  if (end >= text.size() || text[end] != ' ') return false;
  text.remove_prefix(end + 1);
  return true;
}

// ---- RFC 3164 ----

// The size of "Nov  2 20:14:23" at the front, also with a year behind the day and parts of the
// second; 0: there is none.
std::size_t MonthTimeSize(std::string_view text) {
  constexpr std::string_view kMonths = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
  if (text.size() < 14 || text[3] != ' ' || kMonths.find(text.substr(0, 4)) % 4 != 0) return 0;
  std::size_t pos = text[4] == ' ' ? 5 : 4;
  if (!IsDigit(text[pos])) return 0;
  if (IsDigit(text[++pos])) ++pos;
  if (text[pos++] != ' ') return 0;
  if (HasForm(text.substr(pos), "dddd ")) pos += 5;
  if (!HasForm(text.substr(pos), "dd:dd:dd")) return 0;
  pos += 8;
  if (pos + 1 < text.size() && (text[pos] == '.' || text[pos] == ',') && IsDigit(text[pos + 1])) {
    ++pos;
    while (pos < text.size() && IsDigit(text[pos])) ++pos;
  }
  return pos;
}

// What routers put before the time: a sequence number "237: ", "*" or "." of an unset clock.
std::string_view SkipRouterMarks(std::string_view text) {
  std::size_t pos = 0;
  while (pos < text.size() && IsDigit(text[pos])) ++pos;
  if (pos > 0 && text.substr(pos).starts_with(": ")) text.remove_prefix(pos + 2);
  if (text.starts_with('*') || text.starts_with('.')) text.remove_prefix(1);
  return text;
}

// Takes the time and the blank behind it.
bool TakeTime(std::string_view& text, Frame& frame) {
  std::string_view rest = text;
  std::size_t size = IsoTimeSize(rest);
  if (size == 0) size = MonthTimeSize(rest);
  if (size == 0) {
    rest = SkipRouterMarks(text);
    size = MonthTimeSize(rest);
  }
  if (size == 0) return false;
  // "Nov 20 20:14:23.123 UTC: ".
  std::size_t end = size;
  if (rest.substr(end).starts_with(' ')) {
    std::size_t zone = end + 1;
    while (zone < std::min(rest.size(), end + 6) && rest[zone] >= 'A' && rest[zone] <= 'Z') ++zone;
    if (zone >= end + 4 && rest.substr(zone).starts_with(": ")) size = end = zone;
  }
  if (rest.substr(end).starts_with(':')) ++end;
  if (end < rest.size() && rest[end] != ' ') return false;
  frame.time = rest.substr(0, size);
  text = rest.substr(std::min(end + 1, rest.size()));
  return true;
}

// Takes "postgres[4711]:", "postgres:" or "postgres[4711]" with the blank behind it.
bool TakeTag(std::string_view& text, Frame& frame, bool pid_needed) {
  std::size_t pos = 0;
  while (pos < text.size() && text[pos] > ' ' && text[pos] != '[' && text[pos] != ':') ++pos;
  if (pos == 0 || pos >= text.size()) return false;
  const std::string_view name = text.substr(0, pos);
  std::string_view process;
  if (text[pos] == '[') {
    const std::size_t end = text.find_first_of("] ", pos);
    if (end == kNone || text[end] != ']') return false;
    process = text.substr(pos + 1, end - pos - 1);
    pos = end + 1;
    const bool colon = pos < text.size() && text[pos] == ':';
    if (colon) ++pos;
    if (!colon && (!IsNumber(process) || !(pos == text.size() || text[pos] == ' '))) return false;
  } else if (text[pos] == ':') {
    // Without a blank behind it, it may be a part of an address or a time.
    const bool blank = ++pos == text.size() || text[pos] == ' ';
    if (pid_needed || (!blank && (!std::all_of(name.begin(), name.end(), IsName) ||
                                  IsNumber(name) || text[pos] == '/' || text[pos] == ':'))) {
      return false;
    }
  } else {
    return false;
  }
  frame.app = name;
  frame.process = process;
  text.remove_prefix(pos);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

// The first word behind the time is the host unless it is a tag: programs that write to /dev/log
// name no host.
void TakeHostAndTag(std::string_view& text, Frame& frame) {
  constexpr std::string_view kForwarded = "Message forwarded from ";  // AIX
  if (text.starts_with(kForwarded)) {
    const std::size_t colon = text.find(": ", kForwarded.size());
    if (colon != kNone) {
      frame.host = text.substr(kForwarded.size(), colon - kForwarded.size());
      text.remove_prefix(colon + 2);
      TakeTag(text, frame, false);
      return;
    }
  }
  const std::string_view word = text.substr(0, text.find(' '));
  const std::size_t colon = word.find(':');
  const bool address = colon != kNone && colon + 1 < word.size() && word.find("]:") == kNone;
  if (!address && TakeTag(text, frame, false)) return;
  frame.host = TakeWord(text);
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text.starts_with(": ")) {
    text.remove_prefix(2);
  } else {
    TakeTag(text, frame, false);
  }
}

// "[ID 748625 local0.info] ", which Solaris puts before the message.
void SkipSolarisId(std::string_view& text) {
  if (!text.starts_with("[ID ")) return;
  const std::size_t end = text.substr(0, 64).find("] ");
  const std::size_t facility = text.substr(0, end).find(' ', 4);
  if (end == kNone || facility == kNone || !IsNumber(text.substr(4, facility - 4))) return;
  text.remove_prefix(end + 2);
}

bool TakeRfc3164(std::string_view text, Frame& frame) {
  if (TakeTime(text, frame)) {
    TakeHostAndTag(text, frame);
    SkipSolarisId(text);
  } else if (!frame.has_pri) {
    return false;
  } else {
    TakeTag(text, frame, true);
  }
  frame.protocol = Protocol::kRfc3164;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  frame.message = text;
  return true;
}

}  // namespace

Frame ParseFrame(std::string_view bytes) {
  Frame frame;
  frame.bytes = bytes;
  std::string_view text = WithoutEnd(bytes);
  frame.message = text;
  if (TakePri(text, frame)) {
    std::string_view rest = text;
    if (TakeVersion(rest) && TakeRfc5424(rest, frame)) return frame;
  }
  TakeRfc3164(text, frame);
  return frame;
}

bool NamesParty(const Frame& frame) {
  return (frame.app == "app" || frame.app == "heroku") && !frame.process.empty() &&
         !IsNumber(frame.process);
}

}  // namespace pgbeacon::log
