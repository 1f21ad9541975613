#include "collectors/engine/sql.h"

#include <algorithm>
#include <utility>

#include "base/families.h"
#include "base/text.h"

namespace pgbeacon::collectors {
namespace {

constexpr std::string_view kOpen = "{{ext.";
constexpr std::string_view kClose = "}}";

/// `sql` with the extensions' schemas in place of {{ext.NAME}}; nothing when one is not installed.
std::optional<std::string> WithSchemas(std::string_view sql, const ServerFacts& facts) {
  std::string out;
  while (true) {
    const std::size_t begin = sql.find(kOpen);
    const std::size_t end = sql.find(kClose, begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) break;
    const std::size_t name = begin + kOpen.size();
    const auto extension = facts.extensions.find(std::string(sql.substr(name, end - name)));
    if (extension == facts.extensions.end()) return std::nullopt;
    out.append(sql.substr(0, begin)).append(extension->second.schema);
    sql.remove_prefix(end + kClose.size());
  }
  return out.append(sql);
}

constexpr std::string_view kUnlockedOpen = "{{unlocked ";

// The size functions open a table, its TOAST table and their indexes: somebody's ACCESS EXCLUSIVE
// lock on one of them, held or awaited, makes them wait. The list is made once per statement.
constexpr std::string_view kLocked = R"( NOT IN (
  WITH locked AS (
    SELECT l.relation FROM pg_catalog.pg_locks l
     WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                          WHERE d.datname = pg_catalog.current_database())
  ), touched AS (
    SELECT relation FROM locked
     UNION SELECT i.indrelid FROM locked JOIN pg_catalog.pg_index i ON i.indexrelid = relation
  )
  SELECT relation FROM touched
   UNION SELECT c.oid FROM touched JOIN pg_catalog.pg_class c ON c.reltoastrelid = relation)))";

/// `sql` with a test for the lock in place of {{unlocked OID}}.
std::string WithLockTests(std::string_view sql) {
  std::string out;
  while (true) {
    const std::size_t begin = sql.find(kUnlockedOpen);
    const std::size_t end = sql.find(kClose, begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) break;
    const std::size_t oid = begin + kUnlockedOpen.size();
    out.append(sql.substr(0, begin)).append("(").append(sql.substr(oid, end - oid)).append(kLocked);
    sql.remove_prefix(end + kClose.size());
  }
  return out.append(sql);
}

/// Without the semicolon that users put at a statement's end.
std::string_view WithoutSemicolon(std::string_view sql) {
  sql = Trim(sql);
  while (sql.ends_with(';')) sql = Trim(sql.substr(0, sql.size() - 1));
  return sql;
}

std::string Select(const Query& query, const std::vector<const Column*>& columns) {
  std::string list;
  for (const Column* column : columns) {
    if (column->target) continue;
    if (!list.empty()) list += ", ";
    list += column->expr.empty() ? column->col : column->expr + " AS " + column->col;
  }
  std::string sql = "SELECT " + list + " FROM " + query.from;
  if (!query.where.empty()) sql += " WHERE " + query.where;
  if (!query.order.empty()) sql += " ORDER BY " + query.order;
  return sql;
}

}  // namespace

std::string_view RelationOf(std::string_view from) {
  from = Trim(from);
  const std::size_t dot = from.find('.', from.starts_with(kOpen) ? kOpen.size() : 0);
  if (dot == std::string_view::npos) return {};
  const std::string_view schema = from.substr(0, dot);
  if (schema != "pg_catalog" && !(schema.starts_with(kOpen) && schema.ends_with(kClose))) return {};
  std::string_view name = from.substr(dot + 1);
  if (name.ends_with(')')) name = name.substr(0, name.find('('));
  return IsLabelName(name) ? name : std::string_view();
}

std::set<std::string> ExtensionsIn(std::string_view sql) {
  std::set<std::string> names;
  for (std::size_t begin = sql.find(kOpen); begin != std::string_view::npos;
       begin = sql.find(kOpen, begin + 1)) {
    const std::size_t name = begin + kOpen.size();
    const std::size_t end = sql.find(kClose, name);
    if (end != std::string_view::npos) names.emplace(sql.substr(name, end - name));
  }
  return names;
}

std::optional<Statement> BuildStatement(const Collector& collector, const ServerFacts& facts) {
  const auto query = std::ranges::find_if(collector.queries, [&](const Query& candidate) {
    return candidate.versions.Contains(facts.major());
  });
  if (query == collector.queries.end()) return std::nullopt;
  const auto known = facts.columns.find(std::string(RelationOf(query->from)));
  if (known != facts.columns.end() && known->second.empty()) return std::nullopt;
  Statement statement;
  for (const Column& column : collector.columns) {
    if (!column.versions.Contains(facts.major())) continue;
    const bool plain = query->sql.empty() && column.expr.empty() && !column.target;
    const std::string& wanted = plain ? column.col : column.has;
    if (!wanted.empty() && known != facts.columns.end() && !known->second.contains(wanted))
      continue;
    statement.columns.push_back(&column);
  }
  if (std::ranges::all_of(statement.columns, [](const Column* c) { return c->metric.empty(); })) {
    return std::nullopt;
  }
  std::optional<std::string> sql =
      WithSchemas(query->sql.empty() ? Select(*query, statement.columns)
                                     : std::string(WithoutSemicolon(query->sql)),
                  facts);
  if (!sql) return std::nullopt;
  statement.sql = "/* pgbeacon:" + collector.name + " */ " + WithLockTests(*sql);
  return statement;
}

}  // namespace pgbeacon::collectors
