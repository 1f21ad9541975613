// The text form of what a Tally holds: rows whose keys name a series as a page does, so that they
// outlive the program, its catalogue and the order in which things were counted.
//
// Example:
//   RowWriter writer{"db1:5432", rows};
//   writer.Add(writer.Key("pg_log_errors_total").Label("sqlstate", "53300"), "12");
//   RowKey key;
//   key.Parse(rows.back().key);     // pg_log_errors_total{sqlstate="53300"}
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgbeacon::log {

// The families that code makes, and the rows that are no series.
inline constexpr std::string_view kMessagesFamily = "pg_log_messages_total";
inline constexpr std::string_view kOwnMessagesFamily = "pg_log_own_messages_total";
inline constexpr std::string_view kErrorsFamily = "pg_log_errors_total";
inline constexpr std::string_view kEventsFamily = "pg_log_events_total";
inline constexpr std::string_view kClientErrorsFamily = "pg_client_log_errors_total";
inline constexpr std::string_view kServerRow = "@server";  ///< where its name came from
inline constexpr std::string_view kFromTraffic = "traffic";
inline constexpr std::string_view kFromConfiguration = "configuration";
inline constexpr std::string_view kDatabasesRow = "@databases";  ///< their names, as they came
inline constexpr std::string_view kOtherPoolerRow = "@other_pooler_lines";
inline constexpr std::string_view kStatementRow = "@statement";
inline constexpr std::string_view kSamplePrefix = "@sample ";

/// The state of one series, as text that outlives the program and its catalogue.
struct TallyRow {
  std::string server;
  std::string key;  ///< what it counts: the family and its labels, or "@..." for what is no series
  std::optional<std::string> value;  ///< absolute; nothing: the row of this key is to be removed
};

/// "text" with \, " and line feeds escaped as in Prometheus' text format.
void AppendQuoted(std::string& out, std::string_view text);
/// Takes what AppendQuoted() wrote off the front of `rest`. False: malformed.
bool TakeQuoted(std::string_view& rest, std::string& out);

/// Takes the next NAME=VALUE off the front of `rest`, where they are parted by single blanks.
/// False: there is none, or `rest` is malformed, and then not empty.
bool TakeField(std::string_view& rest, std::string_view& name, std::string_view& value);

void AppendCount(std::string& out, std::uint64_t count);
/// Decimal digits alone.
std::optional<std::uint64_t> ParseCount(std::string_view text);

/// A key under construction: NAME{LABEL="VALUE",...}, without labels NAME.
class KeyText {
 public:
  explicit KeyText(std::string_view name) : text_(name) {}
  KeyText& Label(std::string_view name, std::string_view value);
  std::string Take();

 private:
  std::string text_;
  bool labelled_ = false;
};

/// A key taken apart. Meant to be reused: parsing then hardly allocates.
class RowKey {
 public:
  /// Borrows `text`. False: malformed, and nothing else may be called.
  bool Parse(std::string_view text);

  std::string_view name() const { return name_; }
  std::size_t size() const { return size_; }  ///< how many labels
  /// The value of a label, the first `skip` ones left out; null: there is none.
  const std::string* Find(std::string_view label, std::size_t skip = 0) const;
  /// The first label's value if that label is `name`, else null.
  const std::string* First(std::string_view name) const;

 private:
  std::string_view name_;
  std::vector<std::pair<std::string_view, std::string>> labels_;  // the first size_ count
  std::size_t size_ = 0;
};

/// Appends the rows of one server.
struct RowWriter {
  const std::string& server;
  std::vector<TallyRow>& rows;
  const std::string* database = nullptr;  ///< of the keys to come; null: none

  KeyText Key(std::string_view name) const {
    KeyText key(name);
    if (database != nullptr) key.Label("datname", *database);
    return key;
  }
  void Add(KeyText& key, std::optional<std::string> value) {
    rows.push_back({server, key.Take(), std::move(value)});
  }
  void AddCount(KeyText& key, std::uint64_t count);
};

}  // namespace pgbeacon::log
