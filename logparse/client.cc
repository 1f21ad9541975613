#include "logparse/client.h"

#include <array>
#include <cstddef>

#include "logparse/label.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// What may stand before the words of the server. A name that ends in '*' goes on to the next ": ".
struct Wrapper {
  std::string_view name;
  bool needs_label;  ///< the name alone does not tell that a PostgreSQL server spoke
};

constexpr std::array<Wrapper, 19> kWrappers = {{
    {"PGError: ", false},
    {"PG::*", false},
    {"ActiveRecord::*", true},
    {"Sequel::*", true},
    {"psycopg2.*", false},
    {"psycopg.*", false},
    {"asyncpg.exceptions.*", false},
    {"django.db.utils.*", false},
    {"sqlalchemy.exc.*", true},
    {"org.postgresql.util.PSQLException: ", false},
    {"Caused by: org.postgresql.util.PSQLException: ", false},
    {"java.sql.*", true},
    {"org.hibernate.*", true},
    {"PDOException: ", true},
    {"Npgsql.PostgresException *", false},
    {"Npgsql.NpgsqlException *", false},
    {"pq: ", false},
    {"error: ", false},
    {"psql: error: ", true},
}};

// "SQLSTATE[42P01]: Undefined table: 7 ERROR:  text" of PDO: drops all before the label.
bool TakePdo(std::string_view& text, std::string_view& sqlstate) {
  constexpr std::string_view kStart = "SQLSTATE[";
  if (!text.starts_with(kStart) || text.size() < kStart.size() + 6 || text[14] != ']') return false;
  const std::size_t label = FindLabel(text, 15, 256);
  if (label == kNone || !IsSqlstate(text.substr(9, 5))) return false;
  sqlstate = text.substr(9, 5);
  text.remove_prefix(label);
  return true;
}

bool TakeWrapper(std::string_view& text, bool& needs_label) {
  for (const Wrapper& wrapper : kWrappers) {
    std::string_view name = wrapper.name;
    const bool open_end = name.ends_with('*');
    if (open_end) name.remove_suffix(1);
    if (!text.starts_with(name)) continue;
    std::size_t end = name.size();
    if (open_end) {
      end = text.substr(0, 256).find(": ", end);
      if (end == kNone) return false;
      end += 2;
    }
    text.remove_prefix(end);
    needs_label = needs_label && wrapper.needs_label;
    // sqlalchemy: "(psycopg2.errors.UndefinedTable) relation ...".
    if (text.starts_with("(psycopg") && text.find(") ") != kNone) {
      text.remove_prefix(text.find(") ") + 2);
      needs_label = false;
    }
    return true;
  }
  return false;
}

// Takes "X" off the end of "text X"; the part between `open` and `close`, "" if it is not there.
std::string_view TakeTail(std::string_view& text, std::string_view open, std::string_view close) {
  if (!text.ends_with(close)) return {};
  const std::size_t begin = text.rfind(open);
  if (begin == kNone || begin == 0) return {};
  const std::size_t inner = begin + open.size();
  if (inner + close.size() > text.size()) return {};
  const std::string_view tail = text.substr(inner, text.size() - close.size() - inner);
  if (tail.find_first_of(" ()") != kNone) return {};
  text = text.substr(0, begin);
  return tail;
}

}  // namespace

bool UnwrapClient(std::string_view line, Message& message) {
  std::string_view text = line;
  std::string_view sqlstate;
  bool needs_label = true;
  bool wrapped = false;
  for (int depth = 0; depth < 4 && TakeWrapper(text, needs_label); ++depth) wrapped = true;
  if (TakePdo(text, sqlstate)) wrapped = true;
  const Label label = ParseLabel(text, LabelForm::kOneBlank);
  if (label.primary()) {
    text.remove_prefix(label.size);
  } else if (!wrapped || needs_label) {
    return false;
  }
  if (const std::string_view code = LeadingSqlstate(text); wrapped && !code.empty()) {
    sqlstate = code;
    text.remove_prefix(7);
  }
  if (const std::string_view code = TakeTail(text, " (SQLSTATE ", ")"); IsSqlstate(code)) {
    sqlstate = code;
    wrapped = true;
  } else if (!TakeTail(text, " (PG::", ")").empty()) {
    wrapped = true;
  }
  if (!wrapped) return false;
  message.side = Side::kClient;
  message.severity = label.primary() ? label.severity : Severity::kError;
  message.labelled = label.primary();
  message.sqlstate = sqlstate;
  message.text = text;
  return true;
}

}  // namespace pgbeacon::log
