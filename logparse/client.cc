// A line is taken apart from the left: the application's own words, wrappers, a label, the
// SQLSTATE, the text, and what some drivers put behind it. Tested by client_test.cc.
#include "logparse/client.h"

#include <algorithm>
#include <functional>

#include "logparse/conditions.h"
#include "logparse/label.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kHead = 512;   // bytes in which a wrapper begins
constexpr std::size_t kReach = 256;  // bytes in which it ends

// How much a wrapper says about who spoke.
enum class Trust : std::uint8_t {
  kPostgres,    // a PostgreSQL server
  kDatabase,    // some database's server
  kNeedsLabel,  // only together with the server's label, or with a wrapper that says more
};

// What may stand before the words of the server. A name that ends in '*' goes on to the next ": ".
struct Wrapper {
  std::string_view name;
  Trust trust;
  bool anywhere = false;  // may follow other words
};

constexpr std::array<Wrapper, 34> kWrappers = {{
    {"PGError: ", Trust::kPostgres, true},
    {"PG::*", Trust::kPostgres, true},
    {"psycopg2.*", Trust::kPostgres, true},
    {"psycopg.*", Trust::kPostgres, true},
    {"(psycopg2.*", Trust::kPostgres, true},
    {"(psycopg.*", Trust::kPostgres, true},
    {"asyncpg.exceptions.*", Trust::kPostgres, true},
    {"<class 'asyncpg.exceptions.*", Trust::kPostgres, true},
    {"org.postgresql.util.PSQLException: ", Trust::kPostgres, true},
    {"Npgsql.PostgresException *", Trust::kPostgres, true},
    {"Npgsql.NpgsqlException *", Trust::kPostgres, true},
    {"(Postgrex.Error) ", Trust::kPostgres, true},
    {"io.r2dbc.postgresql.*", Trust::kPostgres, true},
    {"pq: ", Trust::kPostgres, true},
    {"psql: error: ", Trust::kNeedsLabel},
    {"error: ", Trust::kDatabase},
    {"error returned from database: ", Trust::kDatabase, true},
    {"db error: ", Trust::kNeedsLabel, true},
    {"django.db.utils.*", Trust::kDatabase, true},
    {"SequelizeDatabaseError: ", Trust::kDatabase, true},
    {"SequelizeUniqueConstraintError: ", Trust::kDatabase, true},
    {"QueryFailedError: ", Trust::kDatabase, true},
    {"ActiveRecord::StatementInvalid (", Trust::kNeedsLabel, true},
    {"ActiveRecord::*", Trust::kNeedsLabel, true},
    {"Sequel::*", Trust::kNeedsLabel, true},
    {"sqlalchemy.exc.*", Trust::kNeedsLabel, true},
    {"(sqlalchemy.dialects.postgresql.*", Trust::kNeedsLabel, true},
    {"java.sql.*", Trust::kNeedsLabel, true},
    {"org.hibernate.*", Trust::kNeedsLabel, true},
    {"org.springframework.*", Trust::kNeedsLabel, true},
    {"SqlExceptionHelper*", Trust::kNeedsLabel, true},
    {"nested exception is ", Trust::kNeedsLabel, true},
    {"Caused by: ", Trust::kNeedsLabel},
    {"PDOException: ", Trust::kNeedsLabel, true},
}};
constexpr std::string_view kPdo = "SQLSTATE[";

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether a wrapper may begin at `at`: no word goes on into it.
bool MayBegin(std::string_view line, std::size_t at) {
  return at == 0 || !IsWordChar(line[at - 1]);
}

std::string_view NameOf(const Wrapper& wrapper) {
  std::string_view name = wrapper.name;
  if (name.ends_with('*')) name.remove_suffix(1);
  return name;
}

// Where the first wrapper begins, which no label of a server's own line may precede.
std::size_t FindWrapper(std::string_view line) {
  const std::string_view head = line.substr(0, kHead);
  std::size_t first = kNone;
  const auto look_for = [&](std::string_view name, bool anywhere) {
    std::size_t at = anywhere ? head.find(name) : head.starts_with(name) ? 0 : kNone;
    while (at != kNone && !MayBegin(line, at)) at = head.find(name, at + 1);
    first = std::min(first, at);
  };
  for (const Wrapper& wrapper : kWrappers) look_for(NameOf(wrapper), wrapper.anywhere);
  look_for(kPdo, true);
  return first < FindLabel(line, 0, kHead) ? first : kNone;
}

// "PG::UndefinedTable", "psycopg2.errors.UndefinedTable": the last name in what was taken off.
std::string_view SqlstateOfWrapper(std::string_view wrapper) {
  while (!wrapper.empty() && !IsWordChar(wrapper.back())) wrapper.remove_suffix(1);
  std::size_t begin = wrapper.size();
  while (begin > 0 && IsWordChar(wrapper[begin - 1])) --begin;
  return SqlstateOfException(wrapper.substr(begin));
}

// What stands before the server's words, as it is taken off.
struct Head {
  Trust trust = Trust::kNeedsLabel;
  bool wrapped = false;
  std::string_view sqlstate;
};

bool TakeWrapper(std::string_view& text, Head& head) {
  for (const Wrapper& wrapper : kWrappers) {
    const std::string_view name = NameOf(wrapper);
    if (!text.starts_with(name)) continue;
    std::size_t end = name.size();
    if (name.size() < wrapper.name.size()) {
      const std::string_view close = name[0] == '(' ? ") " : ": ";
      end = text.substr(0, kReach).find(close, end);
      if (end == kNone) continue;
      end += close.size();
    }
    if (wrapper.trust == Trust::kPostgres && head.sqlstate.empty()) {
      head.sqlstate = SqlstateOfWrapper(text.substr(0, end));
    }
    text.remove_prefix(end);
    head.trust = std::min(head.trust, wrapper.trust);
    head.wrapped = true;
    return true;
  }
  return false;
}

// "SQLSTATE[42P01]: Undefined table: 7 ERROR:  text" of PDO: drops all before the label.
bool TakePdo(std::string_view& text, Head& head) {
  constexpr std::size_t kCode = kPdo.size();
  if (!text.starts_with(kPdo) || text.size() < kCode + 6 || text[kCode + 5] != ']') return false;
  const std::size_t label = FindLabel(text, kCode + 6, kReach);
  if (label == kNone || !IsSqlstate(text.substr(kCode, 5))) return false;
  head.sqlstate = text.substr(kCode, 5);
  head.wrapped = true;
  text.remove_prefix(label);
  return true;
}

// The words of libpq before the label: "connection to server at ... failed: FATAL:  ...".
void SkipToLabel(std::string_view& text) {
  for (const std::string_view label : {": ERROR: ", ": FATAL: "}) {
    const std::size_t at = text.substr(0, kReach).find(label);
    if (at == kNone) continue;
    const std::string_view before = text.substr(0, at);
    if (before.find('"') != kNone && !before.ends_with(" failed")) continue;
    text.remove_prefix(at + 2);
    return;
  }
}

// "ERROR 42P01 (undefined_table) text" of Postgrex, "[42P01] text" of R2DBC.
std::string_view TakeCode(std::string_view& text, Label& label) {
  for (const std::string_view open : {"ERROR ", "FATAL ", "["}) {
    if (!text.starts_with(open)) continue;
    const std::string_view code = text.substr(open.size(), 5);
    const std::string_view close = open == "[" ? "] " : ") ";
    const std::size_t end = text.substr(0, kReach).find(close);
    if (!IsSqlstate(code) || end == kNone) continue;
    if (open != "[") label.severity = ParseSeverity(open.substr(0, 5));
    text.remove_prefix(end + close.size());
    return code;
  }
  return {};
}

// "... ERROR: text (SQLSTATE 42P01)..." of pgx, with the one blank that tells it from a server's
// line: drops all but label and text.
bool TakePgx(std::string_view& text, Head& head) {
  constexpr std::string_view kOpen = " (SQLSTATE ";
  const std::size_t tail = text.rfind(kOpen);
  if (tail == kNone || text.size() < tail + kOpen.size() + 6) return false;
  const std::string_view code = text.substr(tail + kOpen.size(), 5);
  if (!IsSqlstate(code) || text[tail + kOpen.size() + 5] != ')') return false;
  for (const std::string_view label : {"ERROR: ", "FATAL: ", "PANIC: "}) {
    const std::size_t at = text.substr(0, tail).find(label);
    if (at == kNone || !MayBegin(text, at)) continue;
    if (at > 0 && text[at + label.size()] == ' ') continue;
    text = text.substr(at, tail - at);
    head.sqlstate = code;
    head.wrapped = true;
    return true;
  }
  return false;
}

// "ERROR:  text (PG::UndefinedTable)" of Ruby, which begins with the place when nobody catches it:
// "app.rb:3:in `exec': ERROR:  text (PG::UndefinedTable)".
bool TakeRuby(std::string_view& text, Head& head) {
  constexpr std::string_view kOpen = " (PG::";
  if (!text.ends_with(')')) return false;
  const std::size_t tail = text.rfind(kOpen);
  if (tail == kNone) return false;
  const std::size_t name = tail + kOpen.size();
  if (text.find_first_of(" ()", name) != text.size() - 1) return false;
  const std::size_t place = text.substr(0, kReach).find("': ");
  const bool uncaught = place != kNone && text.substr(0, place).find(":in ") != kNone;
  const std::size_t begin = uncaught ? place + 3 : 0;
  if (!ParseLabel(text.substr(begin), LabelForm::kOneBlank).primary()) return false;
  head.sqlstate = SqlstateOfException(text.substr(name, text.size() - 1 - name));
  head.wrapped = true;
  text = text.substr(begin, tail - begin);
  return true;
}

std::uint64_t HashOf(std::string_view text) { return std::hash<std::string_view>()(text) | 1; }

}  // namespace

bool UnwrapClient(std::string_view line, Message& message, std::string_view* wrapper) {
  const bool labelled = ParseLabel(line, LabelForm::kTwoBlanks).found();
  const std::size_t begin = labelled ? kNone : FindWrapper(line);
  Head head;
  std::string_view text = line;
  if (begin != kNone) {
    text.remove_prefix(begin);
    for (int depth = 0; depth < 6 && TakeWrapper(text, head); ++depth) continue;
    TakePdo(text, head);
    if (!head.wrapped) text = line;
  }
  if (!TakePgx(text, head) && !head.wrapped) TakeRuby(text, head);
  if (!head.wrapped) return false;
  if (!ParseLabel(text, LabelForm::kOneBlank).primary()) SkipToLabel(text);
  Label label = ParseLabel(text, LabelForm::kOneBlank);
  if (label.primary()) {
    text.remove_prefix(label.size);
    head.trust = Trust::kPostgres;
  } else {
    label = {};
  }
  std::string_view code = TakeCode(text, label);
  if (code.empty() && !(code = LeadingSqlstate(text)).empty()) text.remove_prefix(7);
  if (!code.empty()) head.sqlstate = code;
  if (head.trust == Trust::kNeedsLabel) return false;
  std::string_view taken;
  if (begin != kNone) {
    taken = line.substr(begin, static_cast<std::size_t>(text.data() - line.data()) - begin);
  }
  if (text.ends_with(')') && std::ranges::count(taken, '(') > std::ranges::count(taken, ')')) {
    text.remove_suffix(1);
  }
  const Severity assumed = head.trust == Trust::kPostgres ? Severity::kError : Severity::kNone;
  message.side = Side::kClient;
  message.labelled = label.severity != Severity::kNone;
  message.severity = message.labelled ? label.severity : assumed;
  message.sqlstate = head.sqlstate;
  message.text = text;
  if (wrapper != nullptr) *wrapper = taken;
  return true;
}

bool ClientErrors::Unwrap(std::string_view process, std::string_view line, std::uint64_t number,
                          Message& message) {
  std::string_view wrapper;
  if (!UnwrapClient(line, message, &wrapper)) return false;
  if (!IsRetold(process, wrapper, message.text, number)) return true;
  message.severity = Severity::kNone;
  message.labelled = false;
  message.sqlstate = {};
  message.text = line;
  return true;
}

bool ClientErrors::IsRetold(std::string_view process, std::string_view wrapper,
                            std::string_view text, std::uint64_t number) {
  const std::uint64_t key = HashOf(process);
  const std::uint64_t words = HashOf(text);
  const std::uint64_t form = HashOf(wrapper);
  last_.resize(kProcesses);
  Last& last = last_[key / 2 % kProcesses];
  const auto told = last.wrappers.begin() + static_cast<std::ptrdiff_t>(last.told);
  const bool retold = last.process == key && last.text == words && number - last.number <= kRun &&
                      last.told < last.wrappers.size() &&
                      std::find(last.wrappers.begin(), told, form) == told;
  if (!retold) last = {key, words, {}, 0, number};
  last.wrappers[last.told++] = form;
  last.number = number;
  return retold;
}

}  // namespace pgbeacon::log
