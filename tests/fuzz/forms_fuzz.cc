// Any texts as messages that a server writes to stderr, csvlog, jsonlog and syslog: every form is
// read back as what was written. Input: messages between bytes 0x1e, each a byte that chooses
// severity and SQLSTATE, one that chooses the process, then fields between bytes 0x1f.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "logparse/label.h"
#include "logparse/reader.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

constexpr std::array<std::string_view, kSeverities> kSeverityWords = {
    "DEBUG1", "INFO", "NOTICE", "WARNING", "LOG", "ERROR", "FATAL", "PANIC"};
constexpr std::array<std::string_view, 4> kSqlstates = {"00000", "42P01", "57014", "XX000"};
constexpr std::string_view kTime = "2026-11-20 20:14:23.488 UTC";
constexpr std::string_view kPlainPrefix = "%m [%p] %c %e ";
constexpr std::string_view kNamesPrefix = "%m [%p] %c %e %q%u@%d,%a ";
constexpr std::size_t kSyslogLimit = 900;  // the server's, of a piece
constexpr std::size_t kLongestName = 63;

enum Field : std::size_t {
  kText,
  kDetail,
  kHint,
  kQuery,
  kContext,
  kStatement,
  kUser,
  kDatabase,
  kApplication,
  kFields
};
constexpr std::array<std::string_view, 6> kLabels = {"",      "DETAIL",  "HINT",
                                                     "QUERY", "CONTEXT", "STATEMENT"};

struct Said {
  std::size_t severity = 0;
  std::string_view sqlstate;
  std::string pid;
  std::array<std::string, kFields> fields;

  std::string Session() const { return "6561d2." + pid; }
};

std::string_view Take(std::string_view& rest, char end) {
  const std::size_t size = std::min(rest.find(end), rest.size());
  const std::string_view taken = rest.substr(0, size);
  rest.remove_prefix(std::min(size + 1, rest.size()));
  return taken;
}

std::vector<Said> Decode(std::string_view input) {
  std::vector<Said> messages;
  while (!input.empty()) {
    std::string_view rest = Take(input, '\x1e');
    if (rest.size() < 2) continue;
    Said& said = messages.emplace_back();
    said.severity = static_cast<unsigned char>(rest[0]) % kSeverities;
    said.sqlstate = kSqlstates[static_cast<unsigned char>(rest[0]) / 16 % kSqlstates.size()];
    said.pid = std::to_string(100 + static_cast<unsigned char>(rest[1]) % 4);
    rest.remove_prefix(2);
    for (std::string& field : said.fields) {
      field = Take(rest, '\x1f');
      std::erase(field, '\0');
    }
    for (const Field name : {kUser, kDatabase, kApplication}) {
      said.fields[name].resize(std::min(said.fields[name].size(), kLongestName));
    }
  }
  return messages;
}

// What text cannot carry: CR before LF, a code that verbose logs print before the message, and
// names with bytes that the prefix has. Syslog: what the daemon's escapes are made of, too.
void Restrict(bool syslog, std::vector<Said>& messages) {
  for (Said& said : messages) {
    for (std::size_t i = 0; i < kFields; ++i) {
      std::erase_if(said.fields[i], [&](char c) {
        const bool printed = (c >= ' ' && c <= '~' && c != '#') || c == '\n' || c == '\t';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        return c == '\r' || (syslog && !printed) || (i >= kUser && !letter);
      });
      if (i >= kUser && said.fields[i].empty()) said.fields[i] = "x";
    }
    if (!LeadingSqlstate(said.fields[kText]).empty()) said.fields[kText].insert(0, "m");
  }
}

// Names are told from the message by the label and from each other by '@', so with names the
// messages must hold none: two FATALs of a session that nothing is known of may be one torn name.
std::string_view PrefixFor(const std::vector<Said>& messages) {
  const bool labels = std::ranges::any_of(messages, [](const Said& said) {
    return std::ranges::any_of(said.fields, [](const std::string& field) {
      return field.find_first_of(":@") != std::string::npos;
    });
  });
  return labels ? kPlainPrefix : kNamesPrefix;
}

// ---- The server's writers ----

std::string Text(const Said& said, std::string_view prefix) {
  std::string head(kTime);
  head.append(" [" + said.pid + "] " + said.Session() + ' ').append(said.sqlstate).append(1, ' ');
  if (prefix == kNamesPrefix) {
    head += said.fields[kUser] + '@' + said.fields[kDatabase] + ',' + said.fields[kApplication];
    head += ' ';
  }
  std::string out;
  for (std::size_t i = 0; i < kLabels.size(); ++i) {
    if (i != kText && said.fields[i].empty()) continue;
    out.append(head).append(i == kText ? kSeverityWords[said.severity] : kLabels[i]).append(":  ");
    for (const char c : said.fields[i]) out.append(1, c).append(c == '\n' ? "\t" : "");
    out += '\n';
  }
  return out;
}

void AppendEscaped(std::string_view piece, std::string& log) {
  for (const char c : piece) {
    if (c == '\n' || c == '\t') {
      log += c == '\n' ? "#012" : "#011";
    } else {
      log += c;
    }
  }
  log += '\n';
}

// A message without its last line feed as a daemon stores it; `split`: syslog_split_messages.
void AppendSyslog(const Said& said, std::size_t number, std::string_view text, bool split,
                  std::string& log) {
  const std::string head = "Nov 20 20:14:23 db1 postgres[" + said.pid + "]: [";
  if (!split || (text.size() <= kSyslogLimit && text.find('\n') == std::string_view::npos)) {
    log.append(head).append(std::to_string(number)).append("] ");
    return AppendEscaped(text, log);
  }
  for (int piece = 0; !text.empty();) {
    if (text[0] == '\n') {
      text.remove_prefix(1);
      continue;
    }
    std::size_t size = std::min({text.find('\n'), text.size(), kSyslogLimit});
    if (size < text.size() && text[size] != '\n' && text[size] != ' ') {
      const std::size_t blank = text.substr(0, size).rfind(' ');
      if (blank != std::string_view::npos && blank > 0) size = blank;
    }
    log.append(head).append(std::to_string(number)).append(1, '-');
    log.append(std::to_string(++piece)).append("] ");
    AppendEscaped(text.substr(0, size), log);
    text.remove_prefix(size);
  }
}

void AppendQuoted(std::string_view text, std::string& log) {
  if (text.empty()) return;
  log += '"';
  for (const char c : text) log.append(c == '"' ? 2 : 1, c);
  log += '"';
}

void AppendCsv(const Said& said, std::string& log) {
  const auto quoted = [&](Field field) {
    AppendQuoted(said.fields[field], log);
    log += ',';
  };
  log.append(kTime).append(1, ',');
  quoted(kUser);
  quoted(kDatabase);
  log.append(said.pid).append(",,").append(said.Session()).append(",1,,,,0,");
  log.append(kSeverityWords[said.severity]).append(1, ',').append(said.sqlstate).append(1, ',');
  quoted(kText);
  quoted(kDetail);
  quoted(kHint);
  quoted(kQuery);
  log += ',';
  quoted(kContext);
  quoted(kStatement);
  log += ",,";
  quoted(kApplication);
  log += "\"client backend\",,0\n";
}

void AppendJson(const Said& said, std::string& log) {
  constexpr std::array<std::string_view, kFields> kKeys = {
      "message",   "detail", "hint",   "internal_query",  "context",
      "statement", "user",   "dbname", "application_name"};
  log.append(R"({"timestamp":")").append(kTime).append(R"(","pid":)").append(said.pid);
  log.append(R"(,"session_id":")").append(said.Session()).append(R"(","error_severity":")");
  log.append(kSeverityWords[said.severity]).append(R"(","state_code":")").append(said.sqlstate);
  for (std::size_t i = 0; i < kFields; ++i) {
    if (said.fields[i].empty()) continue;
    log.append("\",\"").append(kKeys[i]).append("\":\"");
    for (const char c : said.fields[i]) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      if (c == '"' || c == '\\') {
        log.append(1, '\\').append(1, c);
      } else if (static_cast<unsigned char>(c) < ' ') {
        log.append("\\u00").append(1, kDigits[c / 16]).append(1, kDigits[c % 16]);
      } else {
        log += c;
      }
    }
  }
  log += "\"}\n";
}

// ---- Reading back ----

void Check(FormKind form, std::string_view prefix, const std::string& log, bool names,
           const std::vector<Said>& messages) {
  std::vector<std::string> expected;
  for (const Said& said : messages) {
    std::string& all = expected.emplace_back(kSeverityWords[said.severity].substr(0, 5));
    all.append(1, ' ').append(said.sqlstate).append(1, ' ').append(said.pid);
    for (std::size_t i = 0; i < (names ? kFields : kUser); ++i) {
      all.append(1, '\x1f').append(said.fields[i]);
    }
  }
  std::vector<std::string> found;
  Reader reader({.form = form, .prefix = std::string(prefix)}, [&](const Message& m) {
    std::string& all = found.emplace_back(SeverityName(m.severity).substr(0, 5));
    all.append(1, ' ').append(m.sqlstate).append(1, ' ').append(m.pid);
    const std::array<std::string_view, kFields> fields = {m.text,  m.detail,   m.hint,
                                                          m.query, m.context,  m.statement,
                                                          m.user,  m.database, m.application};
    for (std::size_t i = 0; i < (names ? kFields : kUser); ++i) {
      all.append(1, '\x1f').append(fields[i]);
    }
  });
  reader.Push(log);
  reader.Flush(true);
  // Of text forms the sessions close in the order of their last lines.
  std::ranges::sort(expected);
  std::ranges::sort(found);
  if (found == expected) return;
  std::cerr << FormName(form) << ": " << log << "---- expected\n";
  for (const std::string& one : expected) std::cerr << one << '\n';
  std::cerr << "---- found\n";
  for (const std::string& one : found) std::cerr << one << '\n';
  std::abort();
}

void CheckText(std::vector<Said> messages) {
  Restrict(false, messages);
  const std::string_view prefix = PrefixFor(messages);
  std::string log;
  for (const Said& said : messages) log += Text(said, prefix);
  Check(FormKind::kStderr, prefix, log, prefix == kNamesPrefix, messages);
}

void CheckSyslog(std::vector<Said> messages, bool split) {
  Restrict(true, messages);
  const std::string_view prefix = PrefixFor(messages);
  std::string log;
  std::size_t number = 0;
  for (const Said& said : messages) {
    std::string text = Text(said, prefix);
    text.pop_back();
    AppendSyslog(said, ++number, text, split, log);
  }
  Check(FormKind::kSyslog, prefix, log, prefix == kNamesPrefix, messages);
}

void CheckRecords(std::vector<Said> messages) {
  std::string csv;
  std::string json;
  for (const Said& said : messages) {
    AppendCsv(said, csv);
    AppendJson(said, json);
  }
  Check(FormKind::kCsv, "", csv, true, messages);
  for (Said& said : messages) {
    for (std::string& field : said.fields) field = pgbeacon::ToUtf8(field);
  }
  Check(FormKind::kJson, "", json, true, messages);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<Said> messages = Decode({reinterpret_cast<const char*>(data), size});
  CheckRecords(messages);
  CheckText(messages);
  CheckSyslog(messages, true);
  CheckSyslog(messages, false);
  return 0;
}
