// The form of Linux' status files: words parted by blanks, lines that begin with a key.
//
// Example:
//   std::optional<double> total = NumberOf("MemTotal:  16384 kB\n", "MemTotal:");   // 16384
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace pgbeacon::collectors {

/// The words of a text, parted by any number of blanks. They point into the text.
std::vector<std::string_view> Words(std::string_view text);

/// The lines of a text without their ends. They point into the text.
std::vector<std::string_view> Lines(std::string_view text);

/// The first number on the line that begins with `key`, which ends where a word ends.
std::optional<double> NumberOf(std::string_view text, std::string_view key);

}  // namespace pgbeacon::collectors
