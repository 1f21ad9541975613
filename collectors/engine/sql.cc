#include "collectors/engine/sql.h"

#include <algorithm>
#include <utility>

#include "base/families.h"
#include "base/text.h"

namespace pgbeacon::collectors {
namespace {

constexpr std::string_view kExtension = "{{ext.";
constexpr std::string_view kOption = "{{opt.";
constexpr std::string_view kSetting = "{{set.";
constexpr std::string_view kClose = "}}";

std::set<std::string> NamesIn(std::string_view sql, std::string_view open) {
  std::set<std::string> names;
  for (std::size_t begin = sql.find(open); begin != std::string_view::npos;
       begin = sql.find(open, begin + 1)) {
    const std::size_t name = begin + open.size();
    const std::size_t end = sql.find(kClose, name);
    if (end != std::string_view::npos) names.emplace(sql.substr(name, end - name));
  }
  return names;
}

std::string SettingSql(const std::string& name, const ServerFacts& facts) {
  const auto setting = facts.settings.find(name);
  return setting == facts.settings.end() ? "NULL" : SqlLiterals({setting->second}, "");
}

std::string OptionSql(const std::string& name, const Collector& collector,
                      const OptionValues& values) {
  const auto option = std::ranges::find(collector.options, name, &Option::name);
  const auto set = values.find(name);
  const std::string& value = set == values.end() ? option->value : set->second;
  if (option->kind != OptionKind::kNames) return value;
  std::set<std::string> names;
  for (const std::string& part : Split(value, ',')) {
    if (const std::string_view trimmed = Trim(part); !trimmed.empty()) names.emplace(trimmed);
  }
  return SqlLiterals(names, "");
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

/// `known`: the columns that the relation has; null when that is not known.
std::string Select(const Query& query, const std::vector<const Column*>& columns,
                   const std::set<std::string>* known) {
  std::string list;
  for (const Column* column : columns) {
    if (column->target) continue;
    if (!list.empty()) list += ", ";
    if (!column->expr.empty()) {
      list += column->expr + " AS ";
    } else if (known != nullptr && !known->contains(column->col)) {
      list += column->was + " AS ";
    }
    list += column->col;
  }
  std::string sql = "SELECT " + list + " FROM " + query.from;
  if (!query.where.empty()) sql += " WHERE " + query.where;
  if (!query.order.empty()) sql += " ORDER BY " + query.order;
  return sql;
}

}  // namespace

std::string_view RelationOf(std::string_view from) {
  from = Trim(from);
  const std::size_t dot = from.find('.', from.starts_with(kExtension) ? kExtension.size() : 0);
  if (dot == std::string_view::npos) return {};
  const std::string_view schema = from.substr(0, dot);
  if (schema != "pg_catalog" && !(schema.starts_with(kExtension) && schema.ends_with(kClose)))
    return {};
  std::string_view name = from.substr(dot + 1);
  if (name.ends_with(')')) name = name.substr(0, name.find('('));
  return IsLabelName(name) ? name : std::string_view();
}

std::string_view RelationOf(const Query& query) {
  return RelationOf(query.columns_of.empty() ? query.from : query.columns_of);
}

std::set<std::string> ExtensionsIn(std::string_view sql) { return NamesIn(sql, kExtension); }

std::set<std::string> OptionsIn(std::string_view sql) { return NamesIn(sql, kOption); }

std::set<std::string> SettingsIn(std::string_view sql) { return NamesIn(sql, kSetting); }

std::string SqlLiterals(const std::set<std::string>& names, std::string_view cast) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += '\'';
    for (const char c : name) list.append(c == '\'' ? 2 : 1, c);
    list.append("'").append(cast);
  }
  return list;
}

std::optional<std::string> FillIn(std::string_view sql, const Collector& collector,
                                  const ServerFacts& facts, const OptionValues& options) {
  std::string out;
  while (true) {
    const std::size_t begin =
        std::min({sql.find(kExtension), sql.find(kOption), sql.find(kSetting)});
    const std::size_t end = sql.find(kClose, begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) break;
    const std::size_t after = begin + kExtension.size();
    const std::string name(sql.substr(after, end - after));
    out.append(sql.substr(0, begin));
    if (sql.substr(begin).starts_with(kOption)) {
      out += OptionSql(name, collector, options);
    } else if (sql.substr(begin).starts_with(kSetting)) {
      out += SettingSql(name, facts);
    } else {
      const auto extension = facts.extensions.find(name);
      if (extension == facts.extensions.end()) return std::nullopt;
      out += extension->second.schema;
    }
    sql.remove_prefix(end + kClose.size());
  }
  return out.append(sql);
}

std::optional<Statement> BuildStatement(const Collector& collector, const ServerFacts& facts,
                                        const OptionValues& options) {
  const auto query = std::ranges::find_if(collector.queries, [&](const Query& candidate) {
    return candidate.versions.Contains(facts.major());
  });
  if (query == collector.queries.end()) return std::nullopt;
  const auto found = facts.columns.find(std::string(RelationOf(*query)));
  const std::set<std::string>* known = found == facts.columns.end() ? nullptr : &found->second;
  if (known != nullptr && known->empty()) return std::nullopt;
  Statement statement;
  for (const Column& column : collector.columns) {
    if (!column.versions.Contains(facts.major())) continue;
    const bool plain = query->sql.empty() && column.expr.empty() && !column.target;
    const auto lacks = [known](const std::string& name) {
      return known != nullptr && !known->contains(name);
    };
    if (plain ? lacks(column.col) && lacks(column.was) : !column.has.empty() && lacks(column.has)) {
      continue;
    }
    statement.columns.push_back(&column);
  }
  if (std::ranges::all_of(statement.columns, [](const Column* c) { return c->metric.empty(); })) {
    return std::nullopt;
  }
  std::optional<std::string> sql =
      FillIn(query->sql.empty() ? Select(*query, statement.columns, known)
                                : std::string(WithoutSemicolon(query->sql)),
             collector, facts, options);
  if (!sql) return std::nullopt;
  statement.sql = "/* pgbeacon:" + collector.name + " */ " + WithLockTests(*sql);
  return statement;
}

}  // namespace pgbeacon::collectors
