// What a collector file says (collectors/*.yml), as plain data. One file is one collector;
// docs/collectors.md describes every key.
//
// Example:
//   Result<Catalogue> catalogue = Catalogue::Builtin();
//   for (const Collector& collector : catalogue->collectors()) std::cout << collector.name;
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"
#include "base/result.h"

namespace pgbeacon::collectors {

enum class Scope { kServer, kDatabase };
enum class Role { kAny, kPrimary, kStandby };
enum class Cost { kCheap, kMedium, kExpensive };
/// What happens to rows that give one series twice.
enum class Merge { kNone, kSum, kMax, kDrop };

/// The oldest PostgreSQL major that collectors are written for.
inline constexpr int kOldestMajor = 13;

/// ">=13 <17": half-open range of server majors; an open end holds its default.
struct VersionRange {
  static constexpr int kOpen = 1 << 30;
  int min = 0;
  int below = kOpen;
  bool Contains(int major) const { return major >= min && major < below; }
};

/// Reads ">=13 <17", ">=17" or "<17"; nothing for anything else or an empty range.
std::optional<VersionRange> ParseVersionRange(std::string_view text);

/// One further name of a column's value: what a peer calls it.
struct CompatName {
  std::string name;
  MetricType type = MetricType::Untyped;
  double scale = 1;
  VersionRange versions;
  std::string help;                 ///< empty: the column's
  std::vector<std::string> labels;  ///< empty: the column's
};

/// Stands in a metric's name for the value of the column that `fills` it.
inline constexpr std::string_view kNameHole = "{}";

/// What a metric shows of the rows that `top` does not show by themselves.
enum class Remainder { kNone, kSum, kMax };

/// A choice of what is shown where there may be too much: the label values with the greatest rank
/// stay, the others become "other" (governor.h).
struct Top {
  std::vector<std::string> of;  ///< labels; empty: all but the target's
  std::string by;               ///< column whose sum ranks; empty: the number of rows
  std::size_t keep = 0;         ///< 0 without an option: what the limit has room for
  std::string keep_option;      ///< the option that gives `keep`; empty: none
  bool other = true;            ///< whether what is not kept is shown as "other"
};

/// Texts of a label's values that are asked for once each.
struct Lookup {
  std::string when;   ///< option that switches it on
  std::string by;     ///< label and column
  std::string sql;    ///< {{missing}}: the values as literals
  std::string label;  ///< and column: the text
  std::string metric;
  std::string help;
};

enum class OptionKind { kNumber, kNames, kFlag };

/// Something that a user may set about one collector: --collector.NAME.OPTION. It stands in SQL as
/// {{opt.OPTION}}: a number, a list of literals, or true and false.
struct Option {
  std::string name;
  OptionKind kind = OptionKind::kNumber;
  std::string value;  ///< unless set; names are separated by commas
  std::string help;
};

/// What is wrong with `value` for the option, in words; empty when nothing is.
std::string WrongValue(const Option& option, std::string_view value);

/// One column of the answer: a label, a metric, part of metrics' names, or read by `top`, `key` or
/// `since`.
struct Column {
  std::string col;      ///< name in the result
  std::string was;      ///< its name on servers without `col`
  std::string expr;     ///< SQL expression; empty: the column itself
  std::string label;    ///< label name, where it is a label
  bool target = false;  ///< a label whose value is the target's name, not in the answer
  bool fills = false;   ///< its value takes the place of {} in metric names
  std::string has;      ///< asked for only where the view has this column
  std::string metric;   ///< full metric name, where it is a value
  MetricType type = MetricType::Gauge;
  double scale = 1;  ///< value x scale is in the base unit
  std::string help;
  VersionRange versions;            ///< servers on which the column is asked for
  std::vector<std::string> labels;  ///< which of the labels a metric carries; empty: all
  bool unlabelled = false;          ///< it carries none
  std::vector<double> buckets;      ///< of a histogram: upper bounds; each row is an observation
  Remainder remainder = Remainder::kNone;
  std::vector<CompatName> compat;
};

/// How to ask, for a range of versions: a full statement, or the parts from which the SELECT is
/// built out of the columns that the server has.
struct Query {
  VersionRange versions;
  std::string sql;
  std::string from;  ///< "pg_catalog.pg_stat_archiver" or a subselect
  std::string where;
  std::string order;
  std::string columns_of;  ///< the relation whose columns count where `from` is more than it
};

struct Needs {
  std::string extension;
  std::string privilege;  ///< a predefined role such as pg_monitor
  std::string setting;    ///< name, or name=value
};

struct Collector {
  std::string name;
  std::string
      peer;  ///< postgres_exporter's name for it, where it has one: flag --collector.PEER works too
  std::string topic;
  std::string help;
  bool on_by_default = false;
  bool peer_default = false;
  /// Of postgres_exporter's default metrics, which are no collector there: its flags
  /// --disable-default-metrics, --metric-prefix and --constantLabels are about these.
  bool legacy = false;
  bool users = false;  ///< not pgbeacon's own: of a file that the user has given
  Scope scope = Scope::kServer;
  Role role = Role::kAny;
  VersionRange versions;                              ///< servers that have the subject at all
  std::optional<std::chrono::milliseconds> interval;  ///< absent: at every scrape
  std::optional<std::chrono::milliseconds> timeout;
  Cost cost = Cost::kCheap;
  Needs needs;
  Merge merge = Merge::kNone;
  std::size_t limit = 50'000;      ///< series
  std::size_t label_limit = 2048;  ///< bytes of a label's value
  std::string search_path;         ///< of its statements; empty: pg_catalog
  std::vector<Top> top;
  std::vector<std::string> key;  ///< columns that, with the labels, tell a row from others
  std::string since;             ///< column that changes when the row's counters begin anew
  std::vector<Option> options;
  std::optional<Lookup> lookup;
  /// Asked this often between scrapes; its values are counts of what was there, and its metrics
  /// their sums in seconds. Absent: not sampled.
  std::optional<std::chrono::milliseconds> sample;
  std::vector<Query> queries;
  std::vector<Column> columns;
  std::string where;  ///< file, for messages
};

/// Reads one file. All its mistakes are in the one Error, each with file, line and column.
Result<Collector> ReadCollector(std::string_view text, std::string file);

/// All collectors, embedded and users', by unique name.
class Catalogue {
 public:
  /// The embedded collectors.
  static Result<Catalogue> Builtin();

  /// Adds a user's collector; an Error when its name or one of its metric names is taken with
  /// another type.
  Status Add(Collector collector);

  const std::vector<std::unique_ptr<const Collector>>& collectors() const { return collectors_; }
  /// By own name, else the first with that peer's name (one collector of a peer may be several
  /// here); null when there is none.
  const Collector* Find(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<const Collector>> collectors_;  // stable addresses: plans point here
};

}  // namespace pgbeacon::collectors
