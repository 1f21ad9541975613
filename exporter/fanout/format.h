// Lines as subscribers get them.
//
// Example:
//   AppendText(*entry, 0, out);   // 2026-01-31T23:59:59.000000+00:00 app[postgres.7]: LOG:  hello
//   AppendJson(*entry, out);      // {"time":"...","server":"orders","source":"app",...}
//   AppendEvent(entry->number, json, out);   // of a text/event-stream
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/fanout/entry.h"

namespace pgbeacon::fanout {

/// As `heroku logs` prints it: a line for each LF of the text, all with the same beginning, but the
/// first `skip` of them.
void AppendText(const Entry& entry, std::size_t skip, std::string& out);
/// How many lines AppendText() makes of it.
std::size_t TextLines(const Entry& entry);

/// One object and LF; what the line does not have is absent. Bytes that are no UTF-8 become U+FFFD.
void AppendJson(const Entry& entry, std::string& out);

/// A server-sent event; `data` may have several lines. Number 0: an event without id.
void AppendEvent(std::uint64_t number, std::string_view data, std::string& out);

/// What a subscriber is told that lost lines: `text` of source "heroku", process "logplex".
std::string DroppedNotice(std::uint64_t lines, std::int64_t since_unix);

}  // namespace pgbeacon::fanout
