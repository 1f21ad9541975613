// The SQL of a collector for one server, built from the columns that the server has.
//
// Example:
//   std::optional<Statement> statement = BuildStatement(collector, facts);
//   Send(statement->sql);
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/engine/facts.h"
#include "collectors/engine/spec.h"

namespace pgbeacon::collectors {

struct Statement {
  std::string sql;
  std::vector<const Column*>
      columns;  ///< of the collector: those in the answer, and the target's label
};

/// Values of a collector's options by name.
using OptionValues = std::map<std::string, std::string>;

/// Nothing where the server lacks the relation, every value column of it, or an extension. The
/// server's major must be in the collector's range; `options` has a value for each of its options.
std::optional<Statement> BuildStatement(const Collector& collector, const ServerFacts& facts,
                                        const OptionValues& options = {});

/// `sql` with schemas in place of {{ext.NAME}}, values in place of {{opt.NAME}} and literals in
/// place of {{set.NAME}}: the server's setting, NULL where it is not known. Nothing when an
/// extension is not installed.
std::optional<std::string> FillIn(std::string_view sql, const Collector& collector,
                                  const ServerFacts& facts, const OptionValues& options);

/// The one relation or function whose columns can be looked up: "pg_stat_archiver" of
/// "pg_catalog.pg_stat_archiver"; empty for a join, a subselect or a schema of the user's.
std::string_view RelationOf(std::string_view from);
/// That of the query: `columns_of`, else `from`.
std::string_view RelationOf(const Query& query);

/// The names in {{ext.NAME}}.
std::set<std::string> ExtensionsIn(std::string_view sql);
/// The names in {{opt.NAME}}.
std::set<std::string> OptionsIn(std::string_view sql);

/// The names in {{set.NAME}}.
std::set<std::string> SettingsIn(std::string_view sql);

/// The names as SQL literals, quotes doubled (standard_conforming_strings leaves nothing else).
std::string SqlLiterals(const std::set<std::string>& names, std::string_view cast);

}  // namespace pgbeacon::collectors
