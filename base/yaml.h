// Strict YAML: one reader for every YAML file that pgbeacon takes. It knows file, line and column
// of every value, refuses duplicate and unknown keys and wrong types, and reports all mistakes of a
// file at once.
//
// Example:
//   YamlErrors errors;
//   YamlMap root = ReadYaml(text, "collectors/bgwriter.yml", errors);
//   std::string name = root.Require("name");
//   std::optional<bool> on = root.Bool("default");
//   for (YamlMap& query : root.Maps("queries")) { ...; query.Finish(); }
//   root.Finish();                       // every key that no getter asked for is an error
//   if (!errors.empty()) return errors.ToError();
//
// Getters never fail: a wrong value adds an error and yields nothing, so reading goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pgbeacon {

/// Mistakes found so far, each "file:line:column: message".
class YamlErrors {
 public:
  void Add(std::string message) { messages_.push_back(std::move(message)); }
  bool empty() const { return messages_.empty(); }
  const std::vector<std::string>& messages() const { return messages_; }
  /// All messages, one a line, as an Error of code kInvalid.
  Error ToError() const;

 private:
  std::vector<std::string> messages_;
};

/// A parsed value; children keep the order of the file.
struct YamlValue {
  // Defined where the type is complete: it holds pairs of itself.
  YamlValue();
  YamlValue(const YamlValue&);
  YamlValue(YamlValue&&) noexcept;
  YamlValue& operator=(const YamlValue&);
  YamlValue& operator=(YamlValue&&) noexcept;
  ~YamlValue();

  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;  ///< a quoted scalar is a string even when it looks like a number
  int line = 0;         ///< 1-based; 0 where the file has no such value
  int column = 0;
  std::vector<YamlValue> items;                            ///< of a list
  std::vector<std::pair<std::string, YamlValue>> members;  ///< of a map
};

/// One map of a file, read key by key. Borrows the YamlErrors; owns a share of the parsed file.
class YamlMap {
 public:
  /// The string under `key`, with an error when it is absent or empty.
  std::string Require(std::string_view key);
  std::optional<std::string> String(std::string_view key);
  std::optional<bool> Bool(std::string_view key);  ///< true, false
  std::optional<std::int64_t> Int(std::string_view key);
  std::optional<double> Number(std::string_view key);
  /// "250ms", "5s", "5m", "1h", "1d"; a bare number is seconds.
  std::optional<std::chrono::milliseconds> Time(std::string_view key);
  /// One of `choices`, else an error that lists them.
  std::optional<std::string> Choice(std::string_view key, const std::vector<std::string>& choices);
  /// A list of scalars; a single scalar counts as a list of one.
  std::vector<std::string> Strings(std::string_view key);
  /// A list of numbers.
  std::vector<double> Numbers(std::string_view key);
  /// The maps of a list.
  std::vector<YamlMap> Maps(std::string_view key);
  /// A map of free keys to maps (e.g. collectors by name), in the file's order.
  std::vector<std::pair<std::string, YamlMap>> NamedMaps(std::string_view key);
  /// A map of free keys to scalars (e.g. labels).
  std::vector<std::pair<std::string, std::string>> StringMap(std::string_view key);
  std::optional<YamlMap> Map(std::string_view key);

  bool Has(std::string_view key) const;
  bool empty() const { return value_->members.empty(); }

  /// Reports every key that no getter has asked for, with the nearest one that was.
  void Finish();

  /// Adds an error at `key` (or at this map when it has no such key).
  void Fail(std::string_view key, std::string message);

  /// How many mistakes have been found so far in all that reports to the same errors.
  std::size_t mistakes() const { return errors_->messages().size(); }

  /// The map itself, as it stands in the file.
  const YamlValue& value() const { return *value_; }

  /// "file:line:column" of `key` or of this map, for messages that are made later.
  std::string Where(std::string_view key = {}) const;

 private:
  friend YamlMap ReadYaml(std::string_view, std::string, YamlErrors&, const std::string&);
  YamlMap(std::shared_ptr<const YamlValue> file_root, std::string file, const YamlValue* value,
          YamlErrors* errors);
  const YamlValue* Find(std::string_view key);
  const YamlValue* FindKind(std::string_view key, YamlValue::Kind kind);
  const YamlValue* FindScalar(std::string_view key, std::string_view expected);
  std::string At(const YamlValue& value) const;

  std::shared_ptr<const YamlValue> root_;  // keeps value_ alive while any map of the file is used
  std::string file_;
  const YamlValue* value_;
  YamlErrors* errors_;
  std::set<std::string, std::less<>> known_;
};

/// Parses `text` as one YAML document whose root is a map. A syntax error is reported and yields an
/// empty map. An empty document is an empty map. A document that is a list is taken for a map with
/// that list under `list_key`, where there is one.
YamlMap ReadYaml(std::string_view text, std::string file, YamlErrors& errors,
                 const std::string& list_key = "");

/// "5m", "250ms", "30" (seconds) as milliseconds; nothing when it is not a time.
std::optional<std::chrono::milliseconds> ParseTime(std::string_view text);

}  // namespace pgbeacon
