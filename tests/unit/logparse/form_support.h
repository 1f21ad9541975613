// What tests of the forms share: messages as the server writes them to csvlog and jsonlog, and what
// a form makes of the bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logparse/forms/form.h"
#include "logparse/message.h"

namespace pgbeacon::log {

/// A message as the server has it; nothing: NULL.
struct Row {
  using Text = std::optional<std::string>;

  std::string severity = "LOG", sqlstate = "00000", message = "hi";
  Text user, database, detail, hint, internal_query, context, query, function;
  std::string application;
  std::string time = "2026-11-20 20:14:23.488 UTC";
  std::string pid = "6699";
  std::string session = "6a5f3c2b.1a2b";
  std::string backend_type = "client backend";
};

inline std::string CsvText(const Row::Text& text) {
  if (!text) return {};
  std::string out = "\"";
  for (const char c : *text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

/// The record with its line feed, in 23 columns (12), 24 (13) or 26 (14 to 18).
inline std::string Csv(const Row& row, int columns = 26) {
  const Row::Text location = row.function ? Row::Text(*row.function + ", parse.c:7") : std::nullopt;
  std::string out =
      row.time + ',' + CsvText(row.user) + ',' + CsvText(row.database) + ',' + row.pid +
      ",\"[local]\"," + row.session + ",3,\"SELECT\",2026-11-20 20:14:00 UTC," + "3/17,0," +
      row.severity + ',' + row.sqlstate + ',' + CsvText(row.message) + ',' + CsvText(row.detail) +
      ',' + CsvText(row.hint) + ',' + CsvText(row.internal_query) + ",," + CsvText(row.context) +
      ',' + CsvText(row.query) + ",," + CsvText(location) + ',' + CsvText(row.application);
  if (columns >= 24) out += ',' + CsvText(row.backend_type);
  if (columns >= 26) out += ",,-4711";
  return out + '\n';
}

inline std::string JsonText(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < ' ') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// The line of jsonlog with its line feed.
inline std::string Json(const Row& row) {
  std::string out = "{\"timestamp\":" + JsonText(row.time);
  const auto add = [&out](std::string_view key, const Row::Text& text) {
    if (text) out.append(",\"").append(key).append("\":").append(JsonText(*text));
  };
  add("user", row.user);
  add("dbname", row.database);
  out += ",\"pid\":" + row.pid + ",\"remote_host\":\"[local]\"";
  add("session_id", row.session);
  out += ",\"line_num\":3,\"ps\":\"SELECT\",\"txid\":0";
  add("error_severity", row.severity);
  if (row.sqlstate != "00000") add("state_code", row.sqlstate);
  add("message", row.message);
  add("detail", row.detail);
  add("hint", row.hint);
  add("internal_query", row.internal_query);
  add("context", row.context);
  add("statement", row.query);
  add("func_name", row.function);
  if (row.function) out += R"(,"file_name":"parse.c","file_line_num":7)";
  if (!row.application.empty()) add("application_name", row.application);
  add("backend_type", row.backend_type);
  return out + ",\"query_id\":-4711}\n";
}

/// All that a message says.
inline std::string Shown(const Message& m) {
  std::string out(SideName(m.side));
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.append(" ").append(name).append("=").append(value);
  };
  add("severity", SeverityName(m.severity));
  add("time", m.time);
  add("sqlstate", m.sqlstate);
  add("pid", m.pid);
  add("session", m.session);
  add("user", m.user);
  add("database", m.database);
  add("application", m.application);
  add("source", m.source);
  add("process", m.process);
  add("color", m.color);
  add("text", m.text);
  add("detail", m.detail);
  add("hint", m.hint);
  add("query", m.query);
  add("context", m.context);
  add("location", m.location);
  add("backtrace", m.backtrace);
  add("statement", m.statement);
  if (!m.labelled) out += " unlabelled";
  if (m.truncated) out += " truncated";
  return out;
}

/// What any form is to make of the row.
inline std::string Shown(const Row& row) {
  Message m;
  m.severity = ParseSeverity(row.severity);
  m.labelled = true;
  m.time = row.time;
  m.sqlstate = row.sqlstate;
  m.pid = row.pid;
  m.session = row.session;
  m.application = row.application;
  m.text = row.message;
  const auto set = [](std::string_view& view, const Row::Text& text) {
    if (text) view = *text;
  };
  set(m.user, row.user);
  set(m.database, row.database);
  set(m.detail, row.detail);
  set(m.hint, row.hint);
  set(m.query, row.internal_query);
  set(m.context, row.context);
  set(m.statement, row.query);
  const std::string location = row.function ? *row.function + ", parse.c:7" : std::string();
  m.location = location;
  return Shown(m);
}

/// Rows with everything that is hard to write and to read.
inline std::vector<Row> HardRows() {
  const std::string forged =
      "2026-11-20 20:14:24.001 UTC,,,1,,5f.1,1,,2026-11-20 20:14:24 UTC,,0,"
      "PANIC,XX000,\"forged\",,,,,,,,,\"\",\"postmaster\",,0";
  const std::string unquoted =
      "2026-11-20 20:14:24.001 UTC,,,1,,5f.1,1,,2026-11-20 20:14:24 UTC,,0,"
      "PANIC,XX000,\",,,,,,,,,\",\",,0";
  std::vector<Row> rows;
  rows.push_back(
      {.message = "database system is ready to accept connections", .backend_type = "postmaster"});
  rows.push_back({.severity = "ERROR",
                  .sqlstate = "42P01",
                  .message = "relation \"nope\" does not exist",
                  .user = "bob",
                  .database = "shop",
                  .query = "select *\n\n  from \"nope\"\r\n where a = 'x,y';",
                  .application = "psql"});
  rows.push_back({.severity = "ERROR",
                  .sqlstate = "P0001",
                  .message = "x\n" + forged + "\n" + unquoted + "\n\",\"",
                  .user = "evil\n\"",
                  .database = "shop",
                  .detail = "\"",
                  .hint = ",",
                  .internal_query = "\n",
                  .context = forged,
                  .query = "\n" + forged + "\n" + forged + "\n",
                  .application = ",,,,"});
  rows.push_back({.severity = "WARNING",
                  .sqlstate = "01000",
                  .message = "",
                  .user = "bob",
                  .database = "",
                  .function = "exec_simple_query"});
  rows.push_back(
      {.severity = "FATAL", .sqlstate = "57P01", .message = "{\"timestamp\":\"", .user = "a"});
  rows.push_back({.severity = "DEBUG1",
                  .message = "2026-11-20 20:14:24.001 UTC [7] LOG:  no line of its own\t",
                  .query = std::string(300, 'x') + "\n" + std::string(300, '"')});
  return rows;
}

struct FormOutcome {
  std::vector<std::string> messages;
  ReaderStats stats;

  std::uint64_t unparsed(Unparsed reason) const {
    return stats.unparsed[static_cast<std::size_t>(reason)];
  }
};

/// "" for equal lists, else where they differ first.
inline std::string Difference(const std::vector<std::string>& got,
                              const std::vector<std::string>& expected) {
  const auto differ = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
  if (differ.first == got.end() && differ.second == expected.end()) return {};
  const std::string none = "(nothing)";
  return "message " + std::to_string(differ.first - got.begin()) + " of " +
         std::to_string(got.size()) +
         "\n     got: " + (differ.first == got.end() ? none : *differ.first).substr(0, 300) +
         "\nexpected: " + (differ.second == expected.end() ? none : *differ.second).substr(0, 300);
}

/// What `Reading`, a form or a reader, makes of `log`, pushed in pieces of `piece` bytes.
template <class Reading>
FormOutcome ReadBy(std::string_view log, std::size_t piece = std::string_view::npos,
                   const ReaderOptions& options = {}) {
  FormOutcome outcome;
  Reading reading(options, [&](const Message& m) { outcome.messages.push_back(Shown(m)); });
  while (!log.empty()) {
    // A copy of its own, so that a read beyond it is found out.
    const std::vector<char> bytes(
        log.begin(), log.begin() + static_cast<std::ptrdiff_t>(std::min(piece, log.size())));
    reading.Push({bytes.data(), bytes.size()});
    log.remove_prefix(bytes.size());
  }
  reading.Flush(true);
  outcome.stats = reading.stats();
  return outcome;
}

}  // namespace pgbeacon::log
