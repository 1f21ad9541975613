// Syslog: the line that a syslog daemon or journald makes of one message, taken apart, and what
// PostgreSQL puts at the begin of each message ("[10-2] ", "[10] ", "[2] " or nothing).
//
// Example:
//   std::optional<SyslogLine> line =
//       ParseSyslog("Nov 20 20:14:23 db1 postgres[18655]: [10-1] LOG:  hello");
//   // host "db1", ident "postgres", pid "18655", message "[10-1] LOG:  hello"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "logparse/message.h"

namespace pgbeacon::log {

/// Views into the line that was parsed; empty: not printed.
struct SyslogLine {
  std::string_view time;
  std::string_view host;
  std::string_view ident;
  std::string_view pid;
  std::string_view message;
  int level = -1;  ///< 0 to 7, where a PRI or a facility.level token was printed
};

/// RFC 3164 and RFC 5424 as they stand in files, journald's short forms included, with and without
/// PRI, host and pid; Solaris' "[ID n facility.level]". Nothing: `line` does not begin like that.
std::optional<SyslogLine> ParseSyslog(std::string_view line);

/// Whether the ident is one that servers of PostgreSQL are given ("postgres", "postgresql-15").
bool IsServerIdent(std::string_view ident);

/// rsyslog writes control characters as "#011". Only these are turned back, and runs of at least
/// two bytes above 0177: "#123" in a query stays. False, and `out` untouched: nothing to do.
bool UnescapeSyslog(std::string_view text, std::string& out);

/// The level that the server gives a message of this severity.
int LevelOf(Severity severity);
/// The severity of a message whose label cannot be read; kNone for levels that the server does not
/// use.
Severity SeverityOfLevel(int level);

/// Says what the number of "[7] " means. With syslog_sequence_numbers off it counts the pieces of
/// one record; with syslog_split_messages off the records of a process. Bounded.
class SyslogNumbers {
 public:
  enum class Looks : std::uint8_t {
    kOpens,      ///< begins with the prefix and a primary label
    kContinues,  ///< begins with a tab, or with the prefix and a secondary label
    kOther
  };
  enum class Meaning : std::uint8_t { kUnknown, kRecord, kPiece };

  /// Takes the next line of a process into account, then says what its number means.
  Meaning Observe(std::string_view process, int number, Looks looks);

  /// Forgets the processes, but not what their numbers meant.
  void ReleaseMemory() { decltype(last_)().swap(last_); }

 private:
  std::unordered_map<std::string, int> last_;  // number by process
  int records_ = 0, pieces_ = 0;               // lines that spoke for either meaning
};

}  // namespace pgbeacon::log
