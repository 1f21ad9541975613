#include "logparse/envelope.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "logparse/forms/syslog.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostTime = 40;
constexpr std::size_t kMostName = 128;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsName(char c) {
  return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '-' || c == '_' || c == '.';
}

// Colours that a terminal would show: ESC [ digits and semicolons m.
void SkipColours(std::string_view& text) {
  while (text.starts_with("\x1b[")) {
    const std::size_t end = text.find_first_not_of("0123456789;", 2);
    if (end == kNone || text[end] != 'm') return;
    text.remove_prefix(end + 1);
  }
}

// Takes "2014-11-01T23:41:42.123456+00:00 " off the front; "" and nothing taken if it is none.
std::string_view TakeTime(std::string_view& text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kForm.size()) return {};
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !IsDigit(text[i]) : text[i] != kForm[i]) return {};
  }
  const std::size_t end = text.substr(0, kMostTime).find(' ');
  if (end == kNone || text.find_first_not_of("0123456789.:+-Z", kForm.size()) != end) return {};
  const std::string_view time = text.substr(0, end);
  text.remove_prefix(end + 1);
  return time;
}

// Takes "app[postgres.10]:" off the front. Without a time only Heroku's own two names count.
bool TakeSource(std::string_view& text, Envelope& envelope) {
  std::size_t pos = 0;
  while (pos < std::min(text.size(), kMostName) && IsName(text[pos])) ++pos;
  const std::string_view source = text.substr(0, pos);
  if (source.empty() || (envelope.time.empty() && source != "app" && source != "heroku"))
    return false;
  std::string_view process;
  if (pos < text.size() && text[pos] == '[') {
    const std::size_t end = text.substr(0, pos + kMostName).find(']', pos);
    if (end == kNone) return false;
    process = text.substr(pos + 1, end - pos - 1);
    if (process.empty() || !std::all_of(process.begin(), process.end(), IsName)) return false;
    pos = end + 1;
  } else if (envelope.time.empty()) {
    return false;
  }
  if (pos >= text.size() || text[pos] != ':') return false;
  // "2026-11-20T20:14:23Z postgres[18655]: ..." is syslog without a host.
  const bool heroku = source == "app" || source == "heroku";
  if (!heroku && std::all_of(process.begin(), process.end(), IsDigit)) return false;
  std::string_view rest = text.substr(pos + 1);
  const bool colour = rest.starts_with('\x1b');
  SkipColours(rest);
  if (!rest.empty() && rest[0] != ' ' && !colour) return false;
  envelope.carrier = Carrier::kHeroku;
  envelope.source = source;
  envelope.process = process;
  text = rest.starts_with(' ') ? rest.substr(1) : rest;
  return true;
}

// "[8-2]" at the front.
bool TakeChunk(std::string_view& text, Envelope& envelope) {
  if (envelope.chunk != 0 || !text.starts_with('[')) return false;
  const std::size_t dash = text.find_first_not_of("0123456789", 1);
  if (dash == kNone || dash == 1 || dash > 20 || text[dash] != '-') return false;
  const std::size_t end = text.find_first_not_of("0123456789", dash + 1);
  if (end == kNone || text[end] != ']') return false;
  const std::optional<std::int64_t> chunk = ParseInt(text.substr(dash + 1, end - dash - 1));
  if (!chunk || *chunk < 1 || *chunk > 1'000'000'000) return false;
  envelope.record = text.substr(1, dash - 1);
  envelope.chunk = static_cast<int>(*chunk);
  text.remove_prefix(end + 1);
  return true;
}

// "[CHARCOAL]" at the front. Words that logs of all kinds put in brackets are no colors.
bool TakeColor(std::string_view& text, Envelope& envelope) {
  constexpr std::array<std::string_view, 11> kLevels = {"LOG",   "ERROR",   "FATAL", "PANIC",
                                                        "DEBUG", "WARNING", "INFO",  "NOTICE",
                                                        "WARN",  "TRACE",   "OK"};
  if (!envelope.color.empty() || !text.starts_with('[')) return false;
  std::size_t end = 1;
  while (end < std::min<std::size_t>(text.size(), 64) && (IsUpper(text[end]) || text[end] == '_'))
    ++end;
  const std::string_view word = text.substr(1, end - 1);
  if (word.size() < 3 || end >= text.size() || text[end] != ']') return false;
  if (std::find(kLevels.begin(), kLevels.end(), word) != kLevels.end()) return false;
  if (end + 1 < text.size() && text[end + 1] != ' ') return false;
  envelope.color = word;
  text.remove_prefix(end + 1);
  return true;
}

void TakeTags(std::string_view text, Envelope& envelope) {
  envelope.rest = text;
  for (;;) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    std::string_view next = text.substr(blanks);
    if (!TakeChunk(next, envelope) && !TakeColor(next, envelope)) {
      // "[8-2] g0afa5bjht [GOLD] LOG: ...": the user stands before the color.
      const std::size_t word = next.find(' ');
      if (envelope.chunk == 0 || word == kNone || word > 63) return;
      std::string_view after = next.substr(word + 1);
      if (!TakeColor(after, envelope)) return;
      envelope.user = next.substr(0, word);
      next = after;
    }
    envelope.rest = next.starts_with(' ') ? next.substr(1) : next;
    text = next;
  }
}

// "[7] " at the front, one number where PostgreSQL's syslog text usually has two.
void TakeNumber(std::string_view& text, Envelope& envelope) {
  if (!text.starts_with('[')) return;
  const std::size_t end = text.find_first_not_of("0123456789", 1);
  if (end == kNone || end == 1 || end > 10 || !text.substr(end).starts_with("] ")) return;
  const std::string_view digits = text.substr(1, end - 1);
  const std::optional<std::int64_t> number = ParseInt(digits);
  if (!number || *number < 1 || *number > 1'000'000'000) return;
  envelope.number = static_cast<int>(*number);
  envelope.record = digits;
  envelope.marked = text;
  text.remove_prefix(end + 2);
}

void TrimBody(Envelope& envelope) {
  const std::string_view rest = envelope.rest;
  envelope.body = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

// Behind the tag of syslog.
void TakeMark(std::string_view text, Envelope& envelope) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  envelope.rest = text;
  if (TakeChunk(text, envelope)) {
    envelope.rest = text.starts_with(' ') ? text.substr(1) : text;
  } else if (IsServerIdent(envelope.process)) {
    TakeNumber(text, envelope);
    envelope.rest = text;
  }
}

bool UnwrapSyslog(std::string_view line, Envelope& envelope) {
  const std::optional<SyslogLine> syslog = ParseSyslog(line);
  if (!syslog) return false;
  envelope.carrier = Carrier::kSyslog;
  envelope.time = syslog->time;
  envelope.source = syslog->host;
  envelope.process = syslog->ident;
  envelope.pid = syslog->pid;
  envelope.level = syslog->level;
  UnwrapMessage(syslog->message, envelope);
  return true;
}

}  // namespace

bool Envelope::from_server() const {
  if (carrier == Carrier::kSyslog) return chunk != 0 || IsServerIdent(process);
  if (!present()) return true;
  return source != "heroku" && (process.empty() || process.starts_with("postgres"));
}

Envelope Unwrap(std::string_view line) {
  Envelope envelope;
  std::string_view text = line;
  SkipColours(text);
  envelope.time = TakeTime(text);
  SkipColours(text);
  if (!TakeSource(text, envelope)) {
    envelope.time = {};
    if (UnwrapSyslog(line, envelope)) return envelope;
    text = line;
  }
  UnwrapMessage(text, envelope);
  return envelope;
}

void UnwrapMessage(std::string_view message, Envelope& envelope) {
  if (envelope.carrier == Carrier::kSyslog) {
    TakeMark(message, envelope);
  } else if (envelope.from_server()) {
    TakeTags(message, envelope);
  } else {
    envelope.rest = message;
  }
  TrimBody(envelope);
}

void AppendProcess(const Envelope& envelope, std::string& key) {
  key.append(envelope.sender);
  key.append(envelope.source).append(1, '[').append(envelope.process).append(1, ']');
  if (!envelope.pid.empty()) key.append(envelope.pid);
}

namespace {

bool IsSampleRecord(std::string_view body) {
  return body.starts_with("source=") && body.substr(0, 1024).find(" sample#") != kNone;
}

}  // namespace

bool IsPlatformLine(const Envelope& envelope) {
  if (envelope.carrier == Carrier::kSyslog) return !envelope.from_server();
  if (envelope.source == "heroku") return true;
  if (envelope.source == "app" && envelope.process.starts_with("heroku-")) return true;
  return IsSampleRecord(envelope.body);
}

bool IsPoolerLine(const Envelope& envelope) {
  return envelope.present() && envelope.process.find("pgbouncer") != kNone &&
         !IsSampleRecord(envelope.body);
}

}  // namespace pgbeacon::log
