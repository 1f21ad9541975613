// Reads the catalogue's YAML: families, samples, errors born at 0, and rows with their compiled
// wordings. docs/events.md describes every key.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "logparse/events/catalogue.h"
#include "logparse/events/pattern.h"
#include "logparse/events/user_regex.h"

namespace pgbeacon::log {

/// One compiled wording of a row: a Pattern, or an RE2 where the row has `re2`.
struct Wording {
  static constexpr int kNoField = -1;
  static constexpr int kDecimals = -2;  ///< what follows the decimal comma of the hole before
  int row = 0;
  int order = 0;  ///< of wordings alike in literal text the lower one wins
  std::unique_ptr<Pattern> pattern;
  std::unique_ptr<UserRegex> regex;
  bool foreign = false;                       ///< every message of it has a byte outside of ASCII
  std::vector<int> fields;                    ///< field of each hole or group, or one of these
  std::vector<const FieldType*> field_types;  ///< type of each hole or group
};

/// What one catalogue file and users' rows say.
struct CatalogueData {
  std::vector<FamilySpec> families;
  std::vector<SampleSpec> samples;
  std::vector<std::pair<Severity, std::string>> born_errors;
  std::vector<EventRow> rows;
  std::vector<Wording> wordings;
  std::vector<Wording> lines;      ///< wordings for further lines of messages, see lines.h
  std::vector<YamlMap> user_rows;  ///< what the last rows were read from
};

/// The catalogue of one file. Users' rows follow the file's; one with a mistake is left out, and
/// told to the errors that it was read with.
Result<CatalogueData> LoadCatalogue(std::string_view text, std::string file,
                                    std::vector<YamlMap> user_rows);

}  // namespace pgbeacon::log
