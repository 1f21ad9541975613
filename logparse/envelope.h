// Envelopes: what a platform puts around a line. `heroku logs` text
// ("2014-11-01T23:41:42Z app[postgres.10]: ..."), also without its time; Heroku's database tag
// "[COLOR]" and syslog's chunk mark "[N-M]".
//
// Example:
//   Envelope envelope = Unwrap("app[postgres.10]: [GOLD] [8-1]  LOG:  hello");
//   // source "app", process "postgres.10", color "GOLD", record "8", chunk 1, body "LOG:  hello"
#pragma once

#include <string_view>

namespace pgbeacon::log {

/// Views into the line that was unwrapped.
struct Envelope {
  std::string_view time;
  std::string_view source;   ///< APPNAME; empty: the line has no such envelope
  std::string_view process;  ///< PROCID
  std::string_view color;
  std::string_view user;    ///< the word between chunk mark and color in an old form
  std::string_view record;  ///< N of [N-M]
  int chunk = 0;            ///< M of [N-M]; 0: no mark
  std::string_view rest;    ///< what follows the tags, one blank after them removed
  std::string_view body;    ///< rest without leading blanks

  bool present() const { return !source.empty(); }
  /// The server's own process, or one that does not say.
  bool from_server() const;
};

Envelope Unwrap(std::string_view line);

/// A line of Heroku itself or a metrics record ("source=X sample#db_size=1bytes").
bool IsPlatformLine(const Envelope& envelope);

}  // namespace pgbeacon::log
