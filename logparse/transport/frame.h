// Frame: one message as a network carries it, its header taken apart: RFC 5424, RFC 3164 and
// Logplex' form of RFC 5424, which lacks the STRUCTURED-DATA. Headers are read as senders write
// them, not as the RFCs ask for; what cannot be read is a part of the message.
//
// Example:
//   const Frame frame = ParseFrame("<134>1 2026-11-20T20:14:23Z db1 postgres 4711 - - [3-1] LOG:
//   hi");
//   // level 6, host "db1", app "postgres", process "4711", message "[3-1] LOG:  hi"
#pragma once

#include <cstdint>
#include <string_view>

namespace pgbeacon::log {

enum class Protocol : std::uint8_t { kNone, kRfc3164, kRfc5424, kLogplex };

/// Views into the bytes that were parsed; empty: absent or "-".
struct Frame {
  Protocol protocol = Protocol::kNone;  ///< kNone: no header could be read, all is `message`
  int facility = 1;                     ///< 0 to 23
  int level = 5;                        ///< 0 to 7; without a PRI 13, user.notice (RFC 3164, 4.3.3)
  bool has_pri = false;
  std::string_view bytes;  ///< all that was parsed
  std::string_view time;
  std::string_view host;
  std::string_view app;      ///< APP-NAME; RFC 3164: TAG
  std::string_view process;  ///< PROCID; RFC 3164: what stands in [] behind TAG
  std::string_view id;       ///< MSGID
  std::string_view data;     ///< STRUCTURED-DATA
  std::string_view message;  ///< without BOM and without the line feeds at its end
};

Frame ParseFrame(std::string_view bytes);

/// Whether it names a party as Logplex does, whoever forwards it: app[postgres.10], heroku[router].
bool NamesParty(const Frame& frame);

}  // namespace pgbeacon::log
