// The SQL of a collector for one server, built from the columns that the server has.
//
// Example:
//   std::optional<Statement> statement = BuildStatement(collector, facts);
//   Send(statement->sql);
#pragma once

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

/// Nothing where the server lacks the relation, every value column of it, or an extension. The
/// server's major must be in the collector's range.
std::optional<Statement> BuildStatement(const Collector& collector, const ServerFacts& facts);

/// The one relation or function whose columns can be looked up: "pg_stat_archiver" of
/// "pg_catalog.pg_stat_archiver"; empty for a join, a subselect or a schema of the user's.
std::string_view RelationOf(std::string_view from);

/// The names in {{ext.NAME}}.
std::set<std::string> ExtensionsIn(std::string_view sql);

}  // namespace pgbeacon::collectors
