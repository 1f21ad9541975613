// The vocabulary of the log pipeline: one assembled message of a PostgreSQL server (or of a client
// or platform component that speaks in the same stream).
#pragma once

#include <cstdint>
#include <string_view>

namespace pgbeacon::log {

/// PostgreSQL's message severities (Documentation, "Message Severity Levels"). kNone: the line
/// carried no label.
enum class Severity : std::uint8_t {
  kDebug,
  kInfo,
  kNotice,
  kWarning,
  kLog,
  kError,
  kFatal,
  kPanic,
  kNone
};
inline constexpr int kSeverities = 8;  ///< without kNone

/// "DEBUG" ... "PANIC", "" for kNone.
std::string_view SeverityName(Severity severity);
/// The severity of a label as the server prints it ("DEBUG1".."DEBUG5" are kDebug); kNone if it is
/// none.
Severity ParseSeverity(std::string_view label);

/// Who speaks: the server's own log, a client's (PGError:, psycopg, ...), the platform
/// (heroku[router], sample# lines), or PgBouncer.
enum class Side : std::uint8_t { kServer, kClient, kPlatform, kPooler };
inline constexpr int kSides = 4;
std::string_view SideName(Side side);  ///< "server", "client", "platform", "pooler"

/// One message with what belongs to it. All views are valid until the call that delivered the
/// message returns. Empty means absent. Texts of several lines hold LF without PostgreSQL's tab.
struct Message {
  std::uint64_t offset = 0;  ///< where its first line begins, in bytes of the log
  std::string_view time;     ///< as printed by the prefix or the envelope
  Severity severity = Severity::kNone;
  Side side = Side::kServer;
  bool labelled = false;         ///< the severity was printed, not assumed
  bool truncated = false;        ///< cut at the record budget
  std::string_view sqlstate;     ///< from %e or verbose verbosity; empty when not printed
  std::string_view pid;          ///< %p
  std::string_view session;      ///< %c, else pid
  std::string_view user;         ///< %u
  std::string_view database;     ///< %d
  std::string_view application;  ///< %a
  std::string_view source;       ///< envelope: "app", "heroku"
  std::string_view process;      ///< envelope: "postgres.10", "router", "web.1"
  std::string_view color;        ///< Heroku's database tag: "CHARCOAL"
  std::string_view text;         ///< the primary message
  std::string_view detail;
  std::string_view hint;
  std::string_view query;
  std::string_view context;
  std::string_view location;
  std::string_view backtrace;
  std::string_view statement;
};

}  // namespace pgbeacon::log
