#include "collectors/native/proc_text.h"

#include <algorithm>

#include "base/text.h"

namespace pgbeacon::collectors {

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(" \t\n")));
    text.remove_prefix(words.back().size());
  }
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    lines.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(lines.back().size() + 1, text.size()));
  }
  return lines;
}

std::optional<double> NumberOf(std::string_view text, std::string_view key) {
  for (const std::string_view line : Lines(text)) {
    if (!line.starts_with(key)) continue;
    const std::vector<std::string_view> words = Words(line.substr(key.size()));
    return words.empty() ? std::nullopt : ParseDouble(words.front());
  }
  return std::nullopt;
}

}  // namespace pgbeacon::collectors
