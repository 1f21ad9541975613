// Text helpers that the standard library of g++ 12 lacks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgbeacon {

std::string Join(const std::vector<std::string>& parts, std::string_view separator);

/// The parts between separators; an empty text has no parts.
std::vector<std::string> Split(std::string_view text, char separator);

/// Without blanks, tabs and line ends on both sides.
std::string_view Trim(std::string_view text);

/// In small letters, ASCII's alone.
std::string ToLower(std::string text);
/// Whether two texts differ in the case of ASCII's letters at most.
bool SameIgnoringCase(std::string_view a, std::string_view b);

/// The whole text as a number, else nothing. ParseDouble also takes "NaN", "Infinity", "-Infinity"
/// as PostgreSQL prints them.
std::optional<std::int64_t> ParseInt(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);

/// The shortest text that reads back as an equal double (-0 is "0"); integers without exponent up
/// to 2^53; "NaN", "+Inf" and "-Inf" as Prometheus spells them.
std::string FormatDouble(double value);
void AppendDouble(std::string& out, double value);

/// The candidate that is one or two edits (a third of its length at most) away from `word`, or "".
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Whether `text` matches a shell glob of `*` and `?`.
bool GlobMatch(std::string_view pattern, std::string_view text);

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool IsUtf8(std::string_view bytes);

/// `bytes` with every ill-formed sequence replaced by U+FFFD, so that it may stand on a page.
std::string ToUtf8(std::string_view bytes);

}  // namespace pgbeacon
