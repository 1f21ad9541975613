// Envelopes: what a platform or a syslog daemon puts around a line. `heroku logs` text
// ("2014-11-01T23:41:42Z app[postgres.10]: ..."), also without its time, with Heroku's database tag
// "[COLOR]"; lines of syslog files (logparse/forms/syslog.h); the chunk mark "[N-M]" of both.
//
// Example:
//   Envelope envelope = Unwrap("app[postgres.10]: [GOLD] [8-1]  LOG:  hello");
//   // source "app", process "postgres.10", color "GOLD", record "8", chunk 1, body "LOG:  hello"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pgbeacon::log {

enum class Carrier : std::uint8_t { kNone, kHeroku, kSyslog };

/// Views into the line that was unwrapped.
struct Envelope {
  Carrier carrier = Carrier::kNone;
  /// Of what came over a network: names the sender in keys, and stands before lines that are kept.
  std::string_view sender;
  std::string_view key;  ///< of its record, where it was made before
  std::string_view time;
  std::string_view source;   ///< APPNAME; syslog: the host
  std::string_view process;  ///< PROCID; syslog: the ident
  std::string_view pid;      ///< syslog: behind the ident
  std::string_view color;
  std::string_view user;    ///< the word between chunk mark and color in an old form
  std::string_view record;  ///< N of [N-M]
  int chunk = 0;            ///< M of [N-M]; 0: no mark
  int number = 0;           ///< of syslog's "[7] ", a mark with one number; 0: none
  std::string_view marked;  ///< rest with that mark
  int level = -1;           ///< syslog's, 0 to 7; -1: not printed
  std::string_view rest;    ///< what follows the tags, one blank after them removed
  std::string_view body;    ///< rest without leading blanks

  bool present() const { return carrier != Carrier::kNone; }
  /// The server's own process, or one that does not say.
  bool from_server() const;
};

Envelope Unwrap(std::string_view line);

/// Reads the tags at the begin of a message. Carrier, source and process of the envelope are known.
void UnwrapMessage(std::string_view message, Envelope& envelope);

/// Names the process that wrote a line: it is the same for all lines of one record.
void AppendProcess(const Envelope& envelope, std::string& key);

/// A line of Heroku itself or a metrics record ("source=X sample#db_size=1bytes").
bool IsPlatformLine(const Envelope& envelope);

/// A line of PgBouncer's log that a platform or a syslog daemon carries.
bool IsPoolerLine(const Envelope& envelope);

}  // namespace pgbeacon::log
