// Statements by fingerprint: what each took, with an exact remainder.
//
// Example:
//   StatementTable table(50, true);         // 50 series, with texts
//   table.Run("SELECT 1", 0.0125, true);    // one execution that took 12.5 ms
//   table.Collect("db1:5432", families);
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/families.h"
#include "logparse/exact_sum.h"
#include "logparse/tally_row.h"

namespace pgbeacon::log {

/// What the log told about one statement, or about several together.
struct StatementStats {
  std::uint64_t calls = 0;            ///< executions; parse and bind only add their time
  ExactSum seconds;                   ///< of all duration lines
  double max_seconds = 0;             ///< of one duration line
  std::uint64_t temp_file_bytes = 0;  ///< temporary files logged (log_temp_files)
  std::uint64_t plan_bytes = 0;       ///< blocks read and written in plans, but:
  std::uint64_t plan_temp_bytes = 0;  ///< temporary blocks written in plans

  void Add(const StatementStats& other);
};

struct NamedStatement : StatementStats {
  std::uint64_t fingerprint = 0;
  std::string text;  ///< normalised; empty unless texts are kept
};

/// All that is known of statements: `rows` and `other` add up to `all`.
struct StatementTotals {
  std::vector<NamedStatement> rows;  ///< in no particular order
  StatementStats other;              ///< what was not kept apart, and durations without a text
  StatementStats all;
  bool temp_files_known = false;  ///< a temporary file was logged with its statement
  bool plans_known = false;       ///< a plan was logged with its buffers
};

/// The statements of one server. Memory is bounded: of more than kCandidates statements the least
/// important ones are given up, and what they took goes to `other`. `shown` is 2048 at most.
///
/// `shown` statements have series of their own, from the moment they are chosen: what came before
/// stays in the series "other", so that no series ever falls and all series add up to the totals.
/// Another statement is chosen in place of the least of them once it has taken half as much time
/// again in all; the series of that one stays as it is, until `shown` further ones had to go.
class StatementTable {
 public:
  static constexpr std::size_t kCandidates = 8192;
  static constexpr std::size_t kTextBytes = 1024;  ///< of a text that is kept

  StatementTable(int shown, bool keep_texts);

  /// One duration line. Without a text it counts as `other`.
  void Run(std::string_view text, double seconds, bool call);
  void AddTempFile(std::string_view text, std::uint64_t bytes);
  /// A logged plan: what stands after "plan:". Its duration is not added: where durations are
  /// logged the statement has a line of its own.
  void AddPlan(std::string_view plan);

  /// Adds all of another table. Chooses the shown statements anew, by all that they took: for
  /// tables that are merged before anything of them is shown.
  void Merge(const StatementTable& other);

  /// Appends a row for each statement that counted since the last call or has another series, and
  /// for the remainders; those that `since` (null: none), which has had the rows of all earlier
  /// calls, knows and this one has given up are removed. Rows hold no texts.
  void Changes(const StatementTable* since, RowWriter& rows);

  /// Sets what a row told of the statement with this name. False, and nothing changed: malformed,
  /// or there is no room. A table that shows fewer statements now makes room when it next counts.
  bool Restore(std::string_view name, const std::optional<std::string>& value);

  /// Adds pg_log_fingerprint_statements_total and pg_log_fingerprint_seconds_total.
  void Collect(const std::string& server, std::map<std::string, Family>& families) const;

  StatementTotals Totals() const;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Entry : NamedStatement {
    std::uint32_t series = kNone;  // index into series_
    bool changed = false;          // since the last Changes()
  };
  struct Series {
    std::uint32_t entry = 0;
    bool live = false;  // else it counts no further
    std::uint64_t statements = 0;
    ExactSum seconds;
    std::uint64_t retired = 0;  // its number among those that were
  };

  /// A text met before, by its hash: most programs send the same ones again and again.
  struct Seen {
    std::uint64_t text = 0;
    std::uint32_t entry = kNone;
  };

  std::uint32_t EntryOf(std::string_view text);
  std::uint32_t FindOrInsert(std::string_view text);
  std::uint32_t Insert(std::uint64_t fingerprint);
  void Consider(std::uint32_t at);
  void MakeLive(std::uint32_t at);
  std::uint32_t FreeSeries();
  void FindWeakest();
  void Retire(std::uint32_t series);
  std::uint32_t Fold();
  void MarkChanged(std::uint32_t at);
  void ListChanged();
  // top_rows.cc
  void Settle();
  bool Set(std::uint64_t fingerprint, const StatementStats& stats, const Series* series);
  void Remove(std::uint64_t fingerprint);
  void RemoveSeries(std::uint32_t at);
  void Shrink(std::size_t most);
  void ChooseAnew();

  std::size_t shown_;
  bool keep_texts_;
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::uint32_t> index_;  // by fingerprint
  std::vector<Seen> seen_;                                  // a text's place is told by its hash
  StatementStats other_;
  StatementStats all_;
  bool temp_files_known_ = false, plans_known_ = false;

  std::vector<Series> series_;  // shown_ live ones and at most as many others
  std::size_t live_ = 0;
  std::uint64_t retirements_ = 0;
  std::uint32_t weakest_ = kNone;  // the live series whose statement has taken the least time, and
  double weakest_seconds_ = 0;     // how much that was; since then it can only have grown
  std::uint64_t other_statements_ = 0;  // the series "other"
  ExactSum other_seconds_;

  std::vector<std::uint32_t> changed_;  // entries
  bool any_changed_ = false;
  bool gave_up_ = false;    // entries, since the last Changes()
  bool unsettled_ = false;  // rows were restored since it last counted
};

}  // namespace pgbeacon::log
