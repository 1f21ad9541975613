// One line of pgbeacon's own log. Whatever a server or a client has put into a message, it stays
// one line, and none of it moves a terminal's cursor.
//
// Example:
//   std::string line = FormatLine(LineForm::kLogfmt, now, "warn", "target=db1: gone");
//   // ts=2026-05-01T12:00:00.123Z level=warn msg="target=db1: gone"
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace pgbeacon::own_log {

enum class LineForm { kLogfmt, kJson };

/// What is longer is cut, and the line says by how much.
inline constexpr std::size_t kMostLineBytes = 8192;

/// With its line feed. Control characters, bidirectional overrides and line separators are escaped
/// as JSON escapes them, what is not UTF-8 is replaced.
std::string FormatLine(LineForm form, std::chrono::system_clock::time_point time,
                       std::string_view level, std::string_view text);

}  // namespace pgbeacon::own_log
