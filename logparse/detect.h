// Detection of a log_line_prefix from the lines of a log: known prefixes of distributions and
// providers, and prefixes inferred from the lines themselves, compared by how many lines they fit.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/prefix.h"

namespace pgbeacon::log {

struct Detected {
  std::optional<Prefix> prefix;  ///< nothing: none fits, or the lines begin with their labels
  bool bare = false;             ///< most labelled lines begin with their label: the empty prefix
};

/// Whether a label in the server's own form stands in the first bytes of a line; only such lines
/// tell anything about the prefix.
bool HasLabel(std::string_view line);

/// The prefix that fits most of `lines` (each with a label), at least half of them. Among equals
/// `current` (may be null) wins, then the one that fits most of `earlier`, lines that a prefix
/// fitted before, then the more telling one.
Detected DetectPrefix(const std::vector<std::string_view>& lines,
                      const std::vector<std::string>& earlier, const Prefix* current);

/// A prefix for a line whose label begins after `head`: times, pid, session, names by their keys
/// ("user=bob"), "user@database", addresses; other words are taken as words of unknown meaning,
/// written %~. With `padded` blanks beside a field count as its padding; with `texts` words with
/// single blanks between are one text, written %b.
std::string InferPrefix(std::string_view head, bool padded, bool texts);

}  // namespace pgbeacon::log
