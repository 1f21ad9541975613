// PgBouncer: what to ask its admin console and what the answers mean, 1.18 and later. Columns are
// read by presence; names are those of pgbouncer_exporter where it has one for the value.
//
// Example:
//   PgBouncer decoder("orders-pool");
//   for (const Show& show : kShows) decoder.Add(show.subject, rows);   // whole or row by row
//   Families families = decoder.Take();
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "collectors/engine/rows.h"
#include "collectors/native/sheet.h"

namespace pgbeacon::collectors {

enum class Subject {
  kVersion,
  kConfig,
  kState,
  kLists,
  kDatabases,
  kPools,
  kStats,
  kClients,
  kServers
};

struct Show {
  Subject subject;
  const char* sql;
  bool optional;  ///< not every version has it
};

inline constexpr Show kShows[] = {
    {Subject::kVersion, "SHOW VERSION", false},     {Subject::kConfig, "SHOW CONFIG", false},
    {Subject::kState, "SHOW STATE", true},          {Subject::kLists, "SHOW LISTS", false},
    {Subject::kDatabases, "SHOW DATABASES", false}, {Subject::kPools, "SHOW POOLS", false},
    {Subject::kStats, "SHOW STATS_TOTALS", false},  {Subject::kClients, "SHOW CLIENTS", false},
    {Subject::kServers, "SHOW SERVERS", false},
};

class PgBouncer {
 public:
  /// `name` is the value of the label `pgbouncer`.
  explicit PgBouncer(std::string name) : name_(std::move(name)) {}

  /// The columns that are read of an answer, or the keys where its rows are a name and a value.
  static std::vector<std::string> ColumnsOf(Subject subject);
  static bool IsKeyed(Subject subject);

  /// Rows of one answer; an answer may come in several pieces.
  void Add(Subject subject, const Rows& rows);

  /// All that has been added.
  Families Take();
  /// Series too many, and values that are no number.
  std::size_t dropped() const { return sheet_.dropped() + unreadable_; }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Connections {
    double count = 0;
    double tls = 0;
    double closing = 0;
  };

  void AddTable(Subject subject, const Rows& rows);
  void AddKeyed(Subject subject, const Rows& rows);
  void Tally(const Rows& rows, std::map<Key, Connections>& into);
  void AddTallied(bool clients, const std::map<Key, Connections>& tallied);
  std::optional<double> Number(const Rows& rows, std::size_t row, std::string_view column);
  Labels Named() const { return {{"pgbouncer", name_}}; }

  std::string name_;
  Sheet sheet_;
  std::size_t unreadable_ = 0;
  std::map<Key, Connections> clients_;
  std::map<Key, Connections> servers_;
};

/// pgbouncer_up and its reasons (pg_up_reason's words). `reasons` has all that there are.
Families PgBouncerState(const std::string& name, const std::string& reason,
                        const std::vector<std::string>& reasons);

}  // namespace pgbeacon::collectors
