// What a Tally knows of one server: its counts by database, its samples and its statements.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/families.h"
#include "logparse/cells.h"
#include "logparse/events/catalogue.h"
#include "logparse/message.h"
#include "logparse/sample.h"
#include "logparse/tally_row.h"
#include "logparse/top.h"

namespace pgbeacon::log {

/// Messages by severity and SQLSTATE.
class ErrorCounts {
 public:
  ErrorCounts() = default;
  ErrorCounts(const ErrorCounts&) = delete;  // changed_ points into it
  ErrorCounts& operator=(const ErrorCounts&) = delete;

  void Born(const std::pair<Severity, std::string>& error) { counts_[error]; }
  void Count(Severity severity, std::string_view sqlstate);
  void Merge(const ErrorCounts& other);
  /// Appends a row of `family` for each that counted since the last call.
  void Changes(std::string_view family, RowWriter& rows);
  void Restore(Severity severity, std::string_view sqlstate, std::uint64_t count);
  /// Adds a sample for each, with `labels` before its own.
  void Collect(const Labels& labels, Family& out) const;

 private:
  using Key = std::pair<Severity, std::string>;
  struct Counted {
    std::uint64_t count = 0;
    bool changed = false;
  };
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.first != b.first ? a.first < b.first
                                : std::string_view(a.second) < std::string_view(b.second);
    }
  };
  using Counts = std::map<Key, Counted, Less>;

  Counts::value_type& Find(Severity severity, std::string_view sqlstate);
  void Add(Counts::value_type& error, std::uint64_t count);

  Counts counts_;
  std::vector<Counts::value_type*> changed_;
};

/// The counts behind the families pg_log_* of one database, or of all where they are not told
/// apart.
struct LogCounts {
  /// `born`: the series that exist from the start stand at 0.
  LogCounts(const CellPlan& plan, bool born);

  void Merge(const LogCounts& other);
  /// Appends a row for all that differs from `since`, an earlier state (null: none).
  void Changes(const LogCounts* since, const Catalogue& catalogue, RowWriter& rows);

  const bool born;
  std::array<std::uint64_t, kSeverities> messages{};
  std::array<std::uint64_t, kSeverities> own{};
  std::vector<std::uint64_t> events;  ///< by row
  std::uint64_t other_events = 0;
  ErrorCounts errors;
  ServerCells cells;
};

/// Borrows the plan.
class ServerTally {
 public:
  /// `databases`: how many get counts of their own; 0: they are not told apart.
  ServerTally(const CellPlan& plan, std::string name, int databases);

  const std::string& name() const { return name_; }

  /// The counts that a server's message belongs to.
  LogCounts& CountsOf(const Message& message, Severity severity) {
    if (databases_ == 0 || message.database.empty()) return *none_;
    if (message.database == last_name_) return *last_;
    return FindCounts(message.database, severity);
  }
  /// Those of no database.
  LogCounts& none() { return *none_; }

  void Merge(const ServerTally& other);

  /// Appends a row for all that differs from `since`, an earlier state (null: none).
  void Changes(const ServerTally* since, std::vector<TallyRow>& rows);
  /// The counts that rows of a database belong to, those of no database where it is null. Null:
  /// there is no room for it.
  LogCounts* CountsToRestore(const std::string* database);
  /// The databases in the order in which they came, as a row tells them. False: malformed.
  bool RestoreDatabases(std::string_view names);

  /// Each of the counts with the value of its label `datname`, sorted; nothing in place of the
  /// value where databases are not told apart.
  std::vector<std::pair<std::optional<std::string>, const LogCounts*>> All() const;

  /// Its name came with a message, not from the configuration.
  bool seen_in_traffic = false;
  bool unseen = false;   ///< no page has shown it yet, though one should before its counts rise
  bool touched = false;  ///< it has counted since the last Changes()

  ErrorCounts client_errors;
  std::uint64_t other_pooler_lines = 0;  ///< that no row took
  SampleStore samples;
  std::optional<StatementTable> statements;

 private:
  LogCounts& FindCounts(std::string_view database, Severity severity);
  LogCounts* Named(std::string_view name, bool admit);
  LogCounts& Other();
  std::string DatabaseNames() const;

  const CellPlan& plan_;
  std::string name_;
  std::size_t databases_;
  std::unique_ptr<LogCounts> none_;
  std::unique_ptr<LogCounts> other_;  // made at first use
  std::map<std::string, std::unique_ptr<LogCounts>, std::less<>> named_;
  std::vector<std::string> order_;  // the names, as they came
  std::string last_name_;           // as messages give it
  LogCounts* last_ = nullptr;
};

}  // namespace pgbeacon::log
