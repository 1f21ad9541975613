#include "collectors/engine/read_top.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/families.h"
#include "base/text.h"
#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

constexpr std::int64_t kMostKept = 50'000;

Top ReadTop(YamlMap& map) {
  Top top;
  top.of = map.Strings("of");
  top.by = map.String("by").value_or("");
  top.other = map.Bool("other").value_or(true);
  const std::string keep = map.String("keep").value_or("");
  const std::optional<std::int64_t> number = ParseInt(keep);
  if (!number) {
    top.keep_option = keep;
  } else if (*number < 1 || *number > kMostKept) {
    map.Fail("keep", "keep: expected 1 to " + std::to_string(kMostKept) + ", or an option's name");
  } else {
    top.keep = static_cast<std::size_t>(*number);
  }
  map.Finish();
  return top;
}

Option ReadOption(YamlMap& map) {
  Option option;
  option.name = map.Require("name");
  if (!IsLabelName(option.name)) map.Fail("name", "'" + option.name + "' is no option name");
  if (const auto kind = map.Choice("type", {"number", "names", "flag"})) {
    option.kind = *kind == "names"  ? OptionKind::kNames
                  : *kind == "flag" ? OptionKind::kFlag
                                    : OptionKind::kNumber;
  }
  option.value = map.String("default").value_or(option.kind == OptionKind::kFlag ? "false" : "");
  option.help = map.Require("help");
  if (const std::string wrong = WrongValue(option, option.value); !wrong.empty()) {
    map.Fail("default", "default: " + wrong);
  }
  map.Finish();
  return option;
}

bool HasColumn(const Collector& collector, const std::string& name) {
  return std::ranges::find(collector.columns, name, &Column::col) != collector.columns.end();
}

bool HasLabel(const Collector& collector, const std::string& name) {
  return std::ranges::any_of(collector.columns, [&](const Column& column) {
    return column.label == name && !column.target;
  });
}

bool HasOption(const Collector& collector, const std::string& name) {
  return std::ranges::find(collector.options, name, &Option::name) != collector.options.end();
}

}  // namespace

std::string WrongValue(const Option& option, std::string_view value) {
  if (option.kind == OptionKind::kFlag && value != "true" && value != "false") {
    return "expected true or false, found '" + std::string(value) + "'";
  }
  if (option.kind != OptionKind::kNumber) return "";
  const std::optional<std::int64_t> number = ParseInt(value);
  if (number && *number >= 1 && *number <= kMostKept) return "";
  return "expected a number from 1 to " + std::to_string(kMostKept) + ", found '" +
         std::string(value) + "'";
}

std::vector<Top> ReadTops(YamlMap& root) {
  std::vector<Top> tops;
  for (const auto& [key, value] : root.value().members) {
    if (key != "top" || value.kind != YamlValue::Kind::kMap) continue;
    if (std::optional<YamlMap> one = root.Map("top")) tops.push_back(ReadTop(*one));
    return tops;
  }
  for (YamlMap& map : root.Maps("top")) tops.push_back(ReadTop(map));
  return tops;
}

std::vector<Option> ReadOptions(YamlMap& root) {
  std::vector<Option> options;
  for (YamlMap& map : root.Maps("options")) options.push_back(ReadOption(map));
  return options;
}

std::optional<Lookup> ReadLookup(YamlMap& root) {
  std::optional<YamlMap> map = root.Map("lookup");
  if (!map) return std::nullopt;
  Lookup lookup;
  lookup.when = map->Require("when");
  lookup.by = map->Require("by");
  lookup.sql = map->Require("sql");
  lookup.label = map->Require("label");
  lookup.metric = map->Require("metric");
  lookup.help = map->Require("help");
  map->Finish();
  return lookup;
}

void CheckTops(YamlMap& root, const Collector& collector) {
  for (const Top& top : collector.top) {
    for (const std::string& label : top.of) {
      if (!HasLabel(collector, label))
        root.Fail("top", "no column gives the label '" + label + "'");
    }
    if (!top.by.empty() && !HasColumn(collector, top.by)) {
      root.Fail("top", "there is no column '" + top.by + "'");
    }
    if (!top.keep_option.empty() && !HasOption(collector, top.keep_option)) {
      root.Fail("top", "there is no option '" + top.keep_option + "'");
    }
  }
  for (const std::string& column : collector.key) {
    if (!HasColumn(collector, column)) root.Fail("key", "there is no column '" + column + "'");
  }
  if (!collector.since.empty() && !HasColumn(collector, collector.since)) {
    root.Fail("since", "there is no column '" + collector.since + "'");
  }
  if (collector.lookup) {
    if (!HasOption(collector, collector.lookup->when)) {
      root.Fail("lookup", "there is no option '" + collector.lookup->when + "'");
    }
    if (!HasLabel(collector, collector.lookup->by)) {
      root.Fail("lookup", "no column gives the label '" + collector.lookup->by + "'");
    }
  }
  std::string text = collector.lookup ? collector.lookup->sql + ' ' : "";
  for (const Query& query : collector.queries) {
    text += query.sql + ' ' + query.from + ' ' + query.where + ' ';
  }
  for (const Column& column : collector.columns) text += column.expr + ' ';
  for (const std::string& name : OptionsIn(text)) {
    if (!HasOption(collector, name)) root.Fail("options", "there is no option '" + name + "'");
  }
}

bool IsUsed(const Collector& collector, const Column& column) {
  return column.col == collector.since || std::ranges::count(collector.key, column.col) > 0 ||
         std::ranges::any_of(collector.top, [&](const Top& top) { return top.by == column.col; });
}

}  // namespace pgbeacon::collectors
