#include "logparse/forms/pgbouncer_line.h"

#include <algorithm>
#include <array>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostSocket = 640;  // bytes of names and address
constexpr std::size_t kMostReadings = 8;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsHex(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
bool IsHost(char c) {
  return IsLetter(c) || IsDigit(c) || c == '.' || c == ':' || c == '-' || c == '_' || c == '%' ||
         c == '/';
}

template <class Class>
std::size_t Skip(std::string_view text, std::size_t pos, Class in_class) {
  while (pos < text.size() && in_class(text[pos])) ++pos;
  return pos;
}

struct Level {
  std::string_view word;
  Severity severity;
};

constexpr std::array<Level, 7> kLevels = {{{"LOG", Severity::kLog},
                                           {"WARNING", Severity::kWarning},
                                           {"ERROR", Severity::kError},
                                           {"FATAL", Severity::kFatal},
                                           {"DEBUG", Severity::kDebug},
                                           {"NOISE", Severity::kDebug},
                                           {"INFO", Severity::kInfo}}};

// The end of "2023-12-19 03:06:37.241 " at the front, also without milliseconds.
std::size_t TimeEnd(std::string_view line) {
  constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
  if (line.size() < kForm.size()) return kNone;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !IsDigit(line[i]) : line[i] != kForm[i]) return kNone;
  }
  std::size_t end = kForm.size();
  if (end < line.size() && line[end] == '.') end = Skip(line, end + 1, IsDigit);
  return end < line.size() && line[end] == ' ' ? end : kNone;
}

// The end of "10.0.0.7:51234 ", "[::1]:51234 " or "unix(4711):6432 " at `pos`; kNone if it is none.
std::size_t AddressEnd(std::string_view text, std::size_t pos) {
  std::size_t colon = kNone;
  if (text.substr(pos).starts_with('[')) {
    const std::size_t close = Skip(text, pos + 1, IsHost);
    if (text.substr(close).starts_with("]:")) colon = close + 1;
  } else if (text.substr(pos).starts_with("unix")) {
    colon = pos + 4;
    if (text.substr(colon).starts_with('(')) {
      const std::size_t close = Skip(text, colon + 1, IsDigit);
      colon = text.substr(close).starts_with(')') ? close + 1 : kNone;
    }
  } else {
    const std::size_t end = Skip(text, pos, IsHost);
    colon = text.rfind(':', std::min(end, text.size() - 1));
    if (colon != kNone && colon <= pos) colon = kNone;
  }
  if (colon == kNone || colon >= text.size() || text[colon] != ':') return kNone;
  const std::size_t end = Skip(text, colon + 1, IsDigit);
  const bool ends = end == text.size() || text[end] == ' ';
  return end > colon + 1 && ends ? end : kNone;
}

// Messages that stand directly behind a socket; those that repeat a name quote it from their end.
bool BeginsMessage(std::string_view text) {
  constexpr std::array<std::string_view, 9> kBegins = {
      "closing because: ",    "login attempt: ",   "login failed: ",
      "new connection to ",   "pooler error: ",    "SSL established: ",
      "registered new auto-", "taking connection", "server login failed: "};
  return std::any_of(kBegins.begin(), kBegins.end(),
                     [&](std::string_view begin) { return text.starts_with(begin); });
}

std::string_view OrNothing(std::string_view name, std::string_view none) {
  return name == none ? std::string_view() : name;
}

// The end of "C-0x55d0c8f0e8a0: " at the front; 0 if there is none.
std::size_t SocketEnd(std::string_view text) {
  if (!text.starts_with("C-") && !text.starts_with("S-")) return 0;
  std::size_t pos = 2;
  if (text.substr(pos).starts_with("0x")) pos += 2;
  const std::size_t end = Skip(text, pos, IsHex);
  return end > pos && text.substr(end).starts_with(": ") ? end + 2 : 0;
}

}  // namespace

std::optional<PoolerHead> ParsePoolerHead(std::string_view line) {
  PoolerHead head;
  const std::size_t time = TimeEnd(line);
  if (time == kNone) return std::nullopt;
  std::size_t pos = time + 1;
  head.time = line.substr(0, time);
  const bool zone =
      pos < line.size() && (IsLetter(line[pos]) || line[pos] == '+' || line[pos] == '-');
  if (zone) {
    pos = Skip(line, pos + 1, [](char c) { return IsLetter(c) || IsDigit(c) || c == ':'; });
    if (pos >= line.size() || line[pos] != ' ') return std::nullopt;
    head.time = line.substr(0, pos++);
  }
  const bool bracket = pos < line.size() && line[pos] == '[';
  if (bracket) ++pos;
  const std::size_t pid = Skip(line, pos, IsDigit);
  if (pid == pos || pid - pos > 10) return std::nullopt;
  head.pid = line.substr(pos, pid - pos);
  pos = pid;
  if (bracket && !line.substr(pos++).starts_with(']')) return std::nullopt;
  if (!line.substr(pos).starts_with(' ')) return std::nullopt;
  const std::string_view rest = line.substr(++pos);
  for (const Level& level : kLevels) {
    if (!rest.starts_with(level.word)) continue;
    const std::string_view behind = rest.substr(level.word.size());
    if (!behind.empty() && behind[0] != ' ') continue;
    head.severity = level.severity;
    head.size = pos + level.word.size() + (behind.empty() ? 0 : 1);
    return head;
  }
  return std::nullopt;
}

// A name may hold '@', blanks and whole addresses. The first address ends the socket, unless what
// follows a later one begins as PgBouncer's messages do and what follows the first does not.
PoolerText ParsePoolerText(std::string_view text) {
  PoolerText out;
  out.text = text;
  const std::size_t begin = SocketEnd(text);
  if (begin == 0) return out;
  std::size_t at = kNone;
  std::size_t end = kNone;
  bool sure = false;
  const std::string_view window = text.substr(0, begin + kMostSocket);
  std::size_t readings = 0;
  for (std::size_t pos = window.find('@', begin); pos != kNone && readings < kMostReadings;
       pos = window.find('@', pos + 1)) {
    const std::size_t stop = AddressEnd(window, pos + 1);
    if (stop == kNone || stop == window.size()) continue;
    ++readings;
    const bool begins = BeginsMessage(text.substr(stop + 1));
    if (end != kNone && (sure || !begins)) continue;
    at = pos;
    end = stop;
    sure = begins;
  }
  if (end == kNone) {
    const std::size_t last = text.rfind('@');
    const bool complete =
        last != kNone && last >= begin && AddressEnd(text, last + 1) == text.size();
    out.torn =
        !complete && text.size() - begin <= kMostSocket && text.substr(begin).find('/') != kNone;
    return out;
  }
  const std::string_view names = text.substr(begin, at - begin);
  const std::size_t slash = names.find('/');
  if (slash != kNone) {
    out.database = OrNothing(names.substr(0, slash), "(nodb)");
    out.user = OrNothing(names.substr(slash + 1), "(nouser)");
  }
  out.text = text.substr(end + 1);
  out.socket = true;
  return out;
}

void DescribePooler(std::string_view body, int level, Message& message) {
  message.side = Side::kPooler;
  if (const std::optional<PoolerHead> head = ParsePoolerHead(body)) {
    message.time = head->time;
    message.pid = head->pid;
    message.severity = head->severity;
    message.labelled = true;
    body.remove_prefix(head->size);
  } else {
    constexpr std::array<Severity, 8> kSeverityOf = {
        Severity::kFatal,   Severity::kFatal, Severity::kFatal, Severity::kError,
        Severity::kWarning, Severity::kLog,   Severity::kLog,   Severity::kDebug};
    for (const Level& word : kLevels) {
      const std::string_view behind = body.substr(std::min(body.size(), word.word.size()));
      if (!body.starts_with(word.word) || !behind.starts_with(' ')) continue;
      message.severity = word.severity;
      body.remove_prefix(word.word.size() + 1);
      break;
    }
    if (message.severity == Severity::kNone && level >= 0 && level < 8) {
      message.severity = kSeverityOf[static_cast<std::size_t>(level)];
    }
    message.labelled = message.severity != Severity::kNone;
  }
  const PoolerText text = ParsePoolerText(body);
  message.database = text.database;
  message.user = text.user;
  message.text = text.text;
}

}  // namespace pgbeacon::log
