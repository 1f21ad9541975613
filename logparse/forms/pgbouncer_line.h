// One line of PgBouncer's log, taken apart: the head that its own log file has, and the socket that
// most messages begin with.
//
// Example:
//   const std::optional<PoolerHead> head = ParsePoolerHead(line);
//   const PoolerText text = ParsePoolerText(line.substr(head->size));
//   // "2023-12-19 03:06:37.241 CET [10384] LOG C-0x55d0: shop/app@10.0.0.7:51234 closing because:
//   x":
//   // severity kLog, database "shop", user "app", text "closing because: x"
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::log {

struct PoolerHead {
  std::string_view time;
  std::string_view pid;
  Severity severity = Severity::kNone;  ///< NOISE is kDebug
  std::size_t size = 0;                 ///< of all that stands before the message
};

/// "2023-12-19 03:06:37.241 CET [10384] LOG ", or as older releases print it, without zone and
/// brackets.
std::optional<PoolerHead> ParsePoolerHead(std::string_view line);

struct PoolerText {
  std::string_view database;  ///< empty for (nodb)
  std::string_view user;      ///< empty for (nouser)
  std::string_view text;      ///< the message behind the socket
  bool socket = false;        ///< a socket was taken off
  bool torn = false;          ///< a socket begins but does not end: a name holds a line feed
};

/// Takes "C-0x55d0c8f0e8a0: shop/app@10.0.0.7:51234 " off the front of a message.
PoolerText ParsePoolerText(std::string_view text);

/// Fills `message` from a line of PgBouncer's that came in an envelope, with its own head or
/// without; `level` is the envelope's, -1 for none.
void DescribePooler(std::string_view body, int level, Message& message);

}  // namespace pgbeacon::log
