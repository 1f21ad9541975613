// The numbers behind a Tally: the cells of one server's series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/families.h"
#include "logparse/events/catalogue.h"
#include "logparse/exact_sum.h"
#include "logparse/tally_row.h"

namespace pgbeacon::log {

/// One series of a family: counter, gauge or histogram.
struct Cell {
  bool shown = false;    ///< born, or counted at least once
  bool changed = false;  ///< since the last Changes()
  std::uint64_t count = 0;
  ExactSum sum;
  double gauge = 0;
  std::unique_ptr<std::uint64_t[]>
      buckets;  ///< one more than the family's bounds; made at first use
};

/// A series by the values of its family's labels, without `server`.
struct SeriesName {
  int family = 0;
  std::vector<std::string> labels;
};

/// Which series every server has a cell for, and which cell each use of a row counts into: resolved
/// once, so that counting looks nothing up for constant labels.
class CellPlan {
 public:
  explicit CellPlan(const Catalogue& catalogue);

  static constexpr int kDynamic = -1;  ///< the cell depends on the message's fields

  int cell_of(std::size_t row, std::size_t use) const { return uses_[row][use]; }
  const std::vector<SeriesName>& series() const { return series_; }
  /// The cell of a series with these labels, or kDynamic.
  int Find(const std::string& key) const;
  const Catalogue& catalogue() const { return catalogue_; }
  /// Whether messages of a server feed the family, so that it can tell their databases apart.
  bool by_database(std::size_t family) const { return by_database_[family]; }

 private:
  int Add(SeriesName name);

  const Catalogue& catalogue_;
  std::vector<SeriesName> series_;
  std::unordered_map<std::string, int> index_;
  std::vector<std::vector<int>> uses_;  // by row and use
  std::vector<bool> by_database_;
};

/// The cells of one server, or of one of its databases: those of the plan, then those that messages
/// brought.
class ServerCells {
 public:
  /// `born`: the series that exist from the start are shown at 0.
  ServerCells(const CellPlan& plan, bool born);

  /// Counts one event into the families of its row.
  void Count(const Event& event, std::size_t row, double long_statement_seconds);
  /// Adds to a counter by its labels.
  void Add(int family, const std::vector<std::string>& labels, double value);
  void Merge(const ServerCells& other);

  /// Appends a row for each series that counted since the last call.
  void Changes(RowWriter& rows);
  /// What Changes() told of one series of the family; nothing where it is malformed.
  ///
  /// Where the bounds of a histogram have changed since, its values go to the first bucket that is
  /// certain to hold them: the counts below a bound may then be too small, but never too large,
  /// and at a bound that stayed they are exact.
  static std::optional<Cell> ReadCell(const FamilySpec& family, std::string_view text);
  /// Sets a series. False, and nothing changed: there is no room for a further one of the family.
  bool Restore(int family, const std::vector<std::string>& labels, Cell cell);

  /// Adds every shown series of `family` to `out`, sorted by labels, with `first` before its own.
  void Collect(int family, const Labels& first, Family& out) const;

 private:
  const SeriesName& NameOf(std::size_t cell) const;
  std::size_t CellOf(const MetricUse& use, const Event& event);
  std::size_t CellOf(SeriesName& name, const std::vector<bool>& open);
  void Observe(std::size_t at, const FamilySpec& family, double value);
  void MarkChanged(std::size_t at);
  std::size_t AddDynamic(SeriesName name, std::string key);
  std::optional<std::size_t> Admit(int family, const std::vector<std::string>& labels);

  const CellPlan* plan_;
  std::vector<Cell> cells_;
  std::vector<SeriesName> dynamic_;  // names of the cells after the plan's
  std::unordered_map<std::string, std::size_t> dynamic_index_;
  struct Dynamic {
    int all = 0, other = 0;  // those with a label "other"
  };
  std::vector<Dynamic> dynamic_of_;   // by family: how many series
  std::vector<std::size_t> changed_;  // cells
  std::string key_;                   // reused by CellOf
};

}  // namespace pgbeacon::log
