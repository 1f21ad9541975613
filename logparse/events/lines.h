// The `lines` of a row: wordings for the lines of a message after its first, such as those of an
// autovacuum's report, which come in another order and number with every major. Each line is
// compared with each wording; a line that none takes, of a major to come, leaves the rest as it is.
//
// FillLines is shared by the fast matcher and the naive one, which differ in how one wording is
// compared.
#pragma once

#include <span>
#include <string_view>

#include "logparse/events/state.h"

namespace pgbeacon::log {

/// Calls visit(line) for every line of `text` but the first.
template <class Visit>
void ForFurtherLines(std::string_view text, Visit visit) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;) {
    text.remove_prefix(end + 1);
    end = text.find('\n');
    visit(text.substr(0, end));
  }
}

/// Sets the fields that `lines` take from the lines of `text` after the first; of two lines of one
/// wording the later one stands. matches(i, line, captures) tells whether lines[i] takes the line.
template <class Matches>
void FillLines(std::span<const CompiledWording> lines, std::string_view text, Event& event,
               Matches matches) {
  if (lines.empty()) return;
  Captures captures;
  ForFurtherLines(text, [&](std::string_view line) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (matches(i, line, captures)) lines[i].Fill(captures.data(), event);
    }
  });
}

}  // namespace pgbeacon::log
