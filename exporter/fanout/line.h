// Line: one log line on its way to subscribers, as `heroku logs` knows it:
//   TIME SOURCE[PROCESS]: TEXT
#pragma once

#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::fanout {

/// Views are valid during the call that hands the line over.
struct Line {
  std::string_view server;   ///< value of the label `server`
  std::string_view time;     ///< as printed by the log or the sender; empty: now
  std::string_view source;   ///< "app", "heroku": who of the platform's parties speaks
  std::string_view process;  ///< "postgres.4711", "heroku-postgres", "router"
  log::Severity severity = log::Severity::kNone;
  int level = -1;         ///< syslog's, where the sender told one
  std::string_view text;  ///< one line, or several parted by LF
};

}  // namespace pgbeacon::fanout
