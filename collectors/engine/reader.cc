// Collector files: YAML -> Collector, with every mistake of a file reported at its place.
#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/yaml.h"
#include "collectors/engine/label_limit.h"
#include "collectors/engine/read_top.h"
#include "collectors/engine/spec.h"
#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

constexpr int kNewestChecked = 99;  // ranges must reach every major to come
constexpr std::size_t kMaxLimit = 1'000'000;

/// The index of the word among `words`, or 0 when the key is absent or wrong (reported).
std::size_t ReadChoice(YamlMap& map, std::string_view key, const std::vector<std::string>& words) {
  const std::optional<std::string> word = map.Choice(key, words);
  if (!word) return 0;
  return static_cast<std::size_t>(std::ranges::find(words, *word) - words.begin());
}

MetricType ReadType(YamlMap& map, MetricType absent) {
  if (!map.Has("type")) return absent;
  static constexpr MetricType kTypes[] = {MetricType::Gauge, MetricType::Counter,
                                          MetricType::Untyped, MetricType::Histogram};
  return kTypes[ReadChoice(map, "type", {"gauge", "counter", "untyped", "histogram"})];
}

VersionRange ReadVersions(YamlMap& map, VersionRange absent = {}) {
  const std::optional<std::string> text = map.String("versions");
  if (!text) return absent;
  const std::optional<VersionRange> range = ParseVersionRange(*text);
  if (!range) {
    map.Fail("versions",
             "versions: expected a range such as \">=13 <17\" or \">=17\", found '" + *text + "'");
  }
  return range.value_or(absent);
}

double ReadScale(YamlMap& map) {
  const double scale = map.Number("scale").value_or(1);
  if (scale > 0 && scale < 1e18) return scale;
  map.Fail("scale", "scale: expected a number above 0");
  return 1;
}

bool HasHole(std::string_view name) { return name.find(kNameHole) != std::string_view::npos; }

void CheckMetricName(YamlMap& map, std::string_view key, std::string name) {
  if (HasHole(name)) name.replace(name.find(kNameHole), kNameHole.size(), "x");
  if (!name.empty() && !IsMetricName(name)) {
    map.Fail(key, "'" + name + "' is no metric name: letters, digits, '_' and ':', no digit first");
  }
}

/// Letters, digits and underscores, as flags and file names have them.
bool IsCollectorName(std::string_view name) {
  return IsLabelName(name) &&
         std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
}

Query ReadQuery(YamlMap& map, VersionRange collector_versions) {
  Query query;
  query.versions = ReadVersions(map, collector_versions);
  query.sql = map.String("sql").value_or("");
  query.from = map.String("from").value_or("");
  query.where = map.String("where").value_or("");
  query.order = map.String("order").value_or("");
  query.columns_of = map.String("columns_of").value_or("");
  if (query.sql.empty() == query.from.empty()) {
    map.Fail("sql", "a query has either 'from' or 'sql'");
  } else if (!query.sql.empty() &&
             !(query.where.empty() && query.order.empty() && query.columns_of.empty())) {
    map.Fail("sql",
             "'where', 'order' and 'columns_of' go with 'from'; write them into the statement");
  }
  map.Finish();
  return query;
}

CompatName ReadCompat(YamlMap& map, const Column& column) {
  CompatName compat;
  compat.name = map.Require("name");
  CheckMetricName(map, "name", compat.name);
  compat.type = ReadType(map, column.type);
  compat.scale = map.Has("scale") ? ReadScale(map) : column.scale;
  compat.versions = ReadVersions(map);
  compat.help = map.String("help").value_or("");
  compat.labels = map.Strings("labels");
  map.Finish();
  return compat;
}

void ReadLabel(YamlMap& map, Column& column) {
  if (!IsLabelName(column.label)) {
    map.Fail("label",
             "'" + column.label + "' is no label name: letters, digits and '_', no digit first");
  }
  for (const char* key :
       {"metric", "type", "scale", "help", "compat", "labels", "buckets", "remainder"}) {
    if (map.Has(key)) map.Fail(key, std::string("'") + key + "' does not belong to a label");
  }
}

void ReadMetric(YamlMap& map, Column& column) {
  CheckMetricName(map, "metric", column.metric);
  if (column.help.empty()) map.Fail("help", "'help' is required with 'metric'");
  for (YamlMap& compat : map.Maps("compat")) column.compat.push_back(ReadCompat(compat, column));
  column.unlabelled = map.Has("labels") && column.labels.empty();
  column.buckets = map.Numbers("buckets");
  const bool histogram = column.type == MetricType::Histogram;
  if (histogram == column.buckets.empty() || !std::ranges::is_sorted(column.buckets)) {
    map.Fail("buckets", "a histogram, and nothing else, has 'buckets' in ascending order");
  }
  if (map.Has("remainder")) {
    column.remainder = static_cast<Remainder>(ReadChoice(map, "remainder", {"none", "sum", "max"}));
  } else if (column.type == MetricType::Counter) {
    column.remainder = Remainder::kSum;
  }
}

Column ReadColumn(YamlMap& map) {
  Column column;
  column.target = map.Bool("target").value_or(false);
  column.col = column.target ? map.String("col").value_or("") : map.Require("col");
  column.expr = map.String("expr").value_or("");
  column.has = map.String("has").value_or("");
  column.fills = map.Bool("fills").value_or(false);
  column.was = map.String("was").value_or("");
  column.label = map.String("label").value_or("");
  column.metric = map.String("metric").value_or("");
  column.type = ReadType(map, MetricType::Gauge);
  column.scale = ReadScale(map);
  column.help = map.String("help").value_or("");
  column.versions = ReadVersions(map);
  column.labels = map.Strings("labels");
  if (column.target && (column.label.empty() || !column.col.empty() || !column.expr.empty())) {
    map.Fail("target", "'target' goes with 'label' alone: its value is the target's name");
  }
  if (column.fills && !(column.label.empty() && column.metric.empty())) {
    map.Fail("fills", "'fills' belongs neither to a label nor to a metric");
  }
  if (!column.has.empty() && column.expr.empty()) map.Fail("has", "'has' goes with 'expr'");
  if (!column.label.empty()) {
    ReadLabel(map, column);
  } else if (!column.metric.empty()) {
    ReadMetric(map, column);
  }
  if (!column.col.empty() && !IsLabelName(column.col)) {
    map.Fail("col", "'" + column.col + "' is no plain column name; give it one with 'expr'");
  }
  map.Finish();
  return column;
}

/// Checks that names and labels of all columns fit together.
void CheckColumns(std::vector<YamlMap>& maps, const Collector& collector) {
  std::set<std::string> labels;
  for (const Column& column : collector.columns) {
    if (!column.label.empty()) labels.insert(column.label);
  }
  std::set<std::string> seen_labels;
  std::set<std::string> seen_columns;
  std::set<std::string> seen_metrics;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Column& column = collector.columns[i];
    const auto once = [&](std::set<std::string>& seen, const char* key, const std::string& name) {
      if (!name.empty() && !seen.insert(name).second) {
        maps[i].Fail(key, std::string(key) + " '" + name + "' is given twice");
      }
    };
    const auto known = [&](const std::vector<std::string>& names) {
      for (const std::string& name : names) {
        if (!labels.contains(name))
          maps[i].Fail("labels", "no column gives the label '" + name + "'");
      }
    };
    if (column.label.empty() && column.metric.empty() && !column.fills &&
        !IsUsed(collector, column)) {
      maps[i].Fail("col", "column '" + column.col + "' is neither label nor metric");
    }
    once(seen_columns, "col", column.col);
    once(seen_labels, "label", column.label);
    once(seen_metrics, "metric", column.metric);
    known(column.labels);
    for (const CompatName& compat : column.compat) {
      once(seen_metrics, "compat", compat.name);
      known(compat.labels);
    }
  }
}

/// A {} in a name needs the one column that fills it, and the other way round.
void CheckHoles(std::vector<YamlMap>& maps, const Collector& collector) {
  const auto fills = std::ranges::count_if(collector.columns, &Column::fills);
  std::size_t holes = 0;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Column& column = collector.columns[i];
    const bool hole =
        HasHole(column.metric) || std::ranges::any_of(column.compat, HasHole, &CompatName::name);
    if (hole) ++holes;
    if (hole && fills != 1) maps[i].Fail("metric", "{} in a name needs one column with 'fills'");
    if (column.fills && fills > 1) maps[i].Fail("fills", "'fills' is given twice");
  }
  if (fills == 1 && holes == 0) {
    const auto at = std::ranges::find_if(collector.columns, &Column::fills);
    maps[static_cast<std::size_t>(at - collector.columns.begin())].Fail(
        "fills", "no metric's name has a {} to fill");
  }
}

/// Every major of the collector's range must have exactly one query.
void CheckVersions(YamlMap& root, const Collector& collector) {
  for (int major = kOldestMajor; major <= kNewestChecked; ++major) {
    if (!collector.versions.Contains(major)) continue;
    const auto answers = std::ranges::count_if(
        collector.queries, [&](const Query& query) { return query.versions.Contains(major); });
    if (answers == 1) continue;
    root.Fail("queries", answers == 0 ? "no query for PostgreSQL " + std::to_string(major) +
                                            "; extend a range, or give the collector 'versions'"
                                      : "two queries for PostgreSQL " + std::to_string(major) +
                                            "; their 'versions' overlap");
    return;
  }
}

/// {{ext.NAME}} may stand only for the extension that the collector needs.
void CheckExtensions(YamlMap& root, const Collector& collector) {
  std::string text;
  for (const Query& query : collector.queries) {
    text += query.sql + ' ' + query.from + ' ' + query.where + ' ' + query.order + ' ';
  }
  for (const Column& column : collector.columns) text += column.expr + ' ';
  if (collector.lookup) text += collector.lookup->sql;
  for (const std::string& name : ExtensionsIn(text)) {
    if (name != collector.needs.extension) {
      root.Fail("queries",
                "{{ext." + name + "}} is used, so 'needs' must have 'extension: " + name + "'");
    }
  }
}

void CheckExpressions(std::vector<YamlMap>& maps, const Collector& collector) {
  if (std::ranges::any_of(collector.queries, [](const Query& q) { return !q.from.empty(); }))
    return;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (!collector.columns[i].expr.empty()) {
      maps[i].Fail("expr", "'expr' goes with 'from'; write it into the statement");
    }
  }
}

Needs ReadNeeds(YamlMap& root) {
  Needs needs;
  std::optional<YamlMap> map = root.Map("needs");
  if (!map) return needs;
  needs.extension = map->String("extension").value_or("");
  needs.privilege = map->String("privilege").value_or("");
  needs.setting = map->String("setting").value_or("");
  map->Finish();
  return needs;
}

/// Schemas as SET search_path takes them, without what would end a literal.
std::string ReadSearchPath(YamlMap& root) {
  const std::string path = root.String("search_path").value_or("");
  if (path.find_first_of("'\\") == std::string::npos) return path;
  root.Fail("search_path", "search_path: names of schemas without ' and \\");
  return "";
}

void ReadHead(YamlMap& root, Collector& collector) {
  collector.name = root.Require("name");
  if (!collector.name.empty() && !IsCollectorName(collector.name)) {
    root.Fail("name",
              "'" + collector.name + "' is no collector name: small letters, digits and '_'");
  }
  collector.peer = root.String("peer").value_or("");
  collector.peer_default = root.Bool("peer_default").value_or(false);
  if (collector.peer_default && collector.peer.empty()) {
    root.Fail("peer_default", "'peer_default' goes with 'peer'");
  }
  collector.legacy = root.Bool("legacy").value_or(false);
  collector.topic = root.Require("topic");
  collector.help = root.Require("help");
  collector.cost = static_cast<Cost>(ReadChoice(root, "cost", {"cheap", "medium", "expensive"}));
  collector.on_by_default =
      root.Bool("default").value_or(collector.cost == Cost::kCheap || collector.peer_default);
  collector.scope = static_cast<Scope>(ReadChoice(root, "scope", {"server", "database"}));
  collector.role = static_cast<Role>(ReadChoice(root, "role", {"any", "primary", "standby"}));
  collector.versions = ReadVersions(root);
  collector.interval = root.Time("interval");
  collector.timeout = root.Time("timeout");
  collector.sample = root.Time("sample");
  collector.needs = ReadNeeds(root);
  collector.search_path = ReadSearchPath(root);
  collector.top = ReadTops(root);
  collector.key = root.Strings("key");
  collector.since = root.String("since").value_or("");
  collector.options = ReadOptions(root);
  collector.lookup = ReadLookup(root);
  collector.merge = static_cast<Merge>(ReadChoice(root, "merge", {"none", "sum", "max", "drop"}));
  if (const std::optional<std::int64_t> limit = root.Int("limit")) {
    if (*limit < 1 || *limit > static_cast<std::int64_t>(kMaxLimit)) {
      root.Fail("limit", "limit: expected 1 to " + std::to_string(kMaxLimit) + " series");
    } else {
      collector.limit = static_cast<std::size_t>(*limit);
    }
  }
  if (const std::optional<std::size_t> bytes = ReadLabelLimit(root)) collector.label_limit = *bytes;
}

}  // namespace

Result<Collector> ReadCollector(std::string_view text, std::string file) {
  YamlErrors errors;
  YamlMap root = ReadYaml(text, std::move(file), errors);
  Collector collector;
  collector.where = root.Where("name");
  ReadHead(root, collector);
  for (YamlMap& query : root.Maps("queries")) {
    collector.queries.push_back(ReadQuery(query, collector.versions));
  }
  std::vector<YamlMap> columns = root.Maps("columns");
  for (YamlMap& column : columns) collector.columns.push_back(ReadColumn(column));
  root.Finish();
  if (collector.queries.empty()) {
    root.Fail("queries", "'queries' is required");
  } else {
    CheckVersions(root, collector);
  }
  if (std::ranges::all_of(collector.columns, [](const Column& c) { return c.metric.empty(); })) {
    root.Fail("columns", "'columns' must have a metric");
  }
  CheckColumns(columns, collector);
  CheckHoles(columns, collector);
  CheckExpressions(columns, collector);
  CheckExtensions(root, collector);
  CheckTops(root, collector);
  if (!errors.empty()) return errors.ToError();
  return collector;
}

}  // namespace pgbeacon::collectors
