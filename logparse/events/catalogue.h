// The event catalogue: what PostgreSQL's messages mean. Rows come from logparse/events.yml
// (embedded) and from users' config in the same form; docs/events.md describes every key.
//
// Example:
//   Result<Catalogue> catalogue = Catalogue::Builtin();
//   Event event;
//   catalogue->Match(message, event);
//   if (event.row != nullptr) std::cout << event.row->name;
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "logparse/message.h"

namespace pgbeacon::log {

/// A field of an event as its row declares it. Numbers are scaled to base units (seconds, bytes),
/// and `name` carries the unit: "duration_seconds".
struct FieldSpec {
  std::string name;
  bool number = false;
  double scale = 1;
};

/// How one row feeds one metric family of the catalogue (`families:` of events.yml).
struct MetricUse {
  int family = 0;            ///< index into Catalogue::families()
  std::optional<int> value;  ///< index of the field that is observed, added or set; else 1
  std::optional<int> when;   ///< only where this field is present
  struct Label {
    std::string value;         ///< constant value, used when field is absent
    std::optional<int> field;  ///< index of the field whose text is the value
  };
  std::vector<Label> labels;  ///< in the family's label order, without `server`
};

/// A log-derived metric family. Every one has the label `server` first.
struct FamilySpec {
  enum class Type { kCounter, kGauge, kHistogram };
  std::string name;
  Type type = Type::kCounter;
  std::string help;
  std::vector<std::string> labels;             ///< without `server`
  std::vector<double> buckets;                 ///< of a histogram
  std::vector<std::vector<std::string>> born;  ///< label values that exist at 0 from the start
  int label_cap = 200;           ///< series per server; beyond it the value is "other"
  bool long_statements = false;  ///< counts values at or above the tally's threshold
};

/// How WriteSampleLine() shows a figure: a whole number, one of bytes ("5bytes") or of kB ("5kB"),
/// a share with five decimals, or any number with five digits.
enum class SamplePrint : std::uint8_t { kNever, kWhole, kBytes, kKilobytes, kRatio, kNumber };

/// A documented key of sample# records and the gauge it feeds.
struct SampleSpec {
  std::string key;     ///< as sent: "memory-total"
  std::string metric;  ///< "pg_sample_memory_total_bytes"
  std::string help;
  double scale = 1;                         ///< of a value that is sent without a unit
  SamplePrint print = SamplePrint::kNever;  ///< in our own records
};

/// One row of the catalogue.
struct EventRow {
  std::string name;
  std::string event_class;  ///< key `class`
  Side side = Side::kServer;
  std::uint16_t severities = 0;        ///< bit per Severity; 0: any
  std::vector<std::string> sqlstates;  ///< empty: any; "08006" or a class such as "08"
  std::string sqlstate;                ///< what the message has when the log does not print it
  std::string versions;                ///< PostgreSQL majors: ">=16 <18"; empty: 13 to 18
  std::string context;                 ///< the message's CONTEXT must hold this text
  bool born = false;                   ///< pg_log_events_total exists at 0 from the start
  bool catch_all = false;              ///< RAISE and the like: matched, but not a known event
  bool sessionless = false;            ///< at severity LOG no client's session prints it
  std::vector<FieldSpec> fields;
  std::vector<MetricUse> metrics;
  std::vector<std::string> texts;    ///< wordings of the majors that `versions` names
  std::vector<std::string> also;     ///< further wordings
  std::vector<std::string> lines;    ///< wordings for a message's lines after the first
  std::vector<std::string> samples;  ///< messages that this row, and no other, must take
  std::string where;                 ///< file:line, for messages about the row
};

/// One extracted value; absent fields (optional parts of a message) have present == false.
struct FieldValue {
  bool present = false;
  double number = 0;
  std::string_view text;  ///< as it stands in the message
};

/// What a message was recognised as. Reused from message to message, so that matching allocates
/// nothing.
struct Event {
  const EventRow* row = nullptr;           ///< null: no row took it
  std::vector<FieldValue> fields;          ///< parallel to row->fields
  std::vector<std::string_view> captures;  ///< room for matching
};

/// A message that a row's sample stands for: of the row's side, its lowest severity (LOG where it
/// takes any) and its context. Borrows both.
Message SampleMessage(const EventRow& row, std::string_view sample);

/// The severity of a message: as printed, else its row's where that has exactly one, else kNone.
Severity SeverityOf(const Message& message, const Event& event);
/// The SQLSTATE of a message: as printed, else its row's, else "".
std::string_view SqlstateOf(const Message& message, const Event& event);

struct CatalogueData;

/// Immutable after loading, so any number of threads may match at once.
class Catalogue {
 public:
  /// The embedded catalogue plus users' rows (`events:` of the config, may be empty). What is wrong
  /// with a user's row, its samples included, goes to the YamlErrors that the row was read with,
  /// and the row is left out.
  static Result<Catalogue> Builtin(std::vector<YamlMap> user_rows = {});
  /// A catalogue from the text of one file in the form of events.yml.
  static Result<Catalogue> Load(std::string_view text, std::string file,
                                std::vector<YamlMap> user_rows = {});

  Catalogue(Catalogue&&) noexcept;
  Catalogue& operator=(Catalogue&&) noexcept;
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;
  ~Catalogue();

  /// Finds the row that takes `message`: by its text, severity, side and, where printed, SQLSTATE;
  /// of several the one with the longest literal text. Field views point into message.text.
  void Match(const Message& message, Event& event) const;

  /// The same answer found by trying every row's equivalent RE2 (the oracle of tests).
  void MatchNaively(const Message& message, Event& event) const;

  const std::vector<EventRow>& rows() const;
  /// How many of rows() are the file's own; users' rows follow.
  std::size_t own_rows() const;
  const std::vector<FamilySpec>& families() const;
  /// SQLSTATEs whose pg_log_errors_total exist at 0 from the start, with their severity.
  const std::vector<std::pair<Severity, std::string>>& born_errors() const;
  const std::vector<SampleSpec>& samples() const;
  /// Whether a five-character code is one of PostgreSQL's (errcodes.txt of 13 to 18).
  bool KnownSqlstate(std::string_view code) const;

 private:
  struct State;
  explicit Catalogue(std::unique_ptr<State> state);
  static Result<Catalogue> Make(CatalogueData data);
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::log
