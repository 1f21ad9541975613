#include "collectors/engine/lookup.h"

#include <algorithm>
#include <set>
#include <utility>

#include "collectors/engine/sql.h"

namespace pgbeacon::collectors {
namespace {

constexpr std::string_view kMissing = "{{missing}}";

/// The label's values in the first family.
std::set<std::string> ValuesOf(const std::string& label, const Families& families) {
  std::set<std::string> values;
  if (families.empty()) return values;
  for (const ClientMetric& metric : families.front().metric) {
    for (const auto& one : metric.label) {
      if (one.name == label && !one.value.empty() && one.value != "other") values.insert(one.value);
    }
  }
  return values;
}

}  // namespace

bool WantsLookup(const PlannedCollector& planned) {
  if (!planned.collector->lookup) return false;
  const auto on = planned.options.find(planned.collector->lookup->when);
  return on != planned.options.end() && on->second == "true";
}

std::string LookupTable::Sql(const PlannedCollector& planned, const ServerFacts& facts,
                             const Families& families) {
  const Lookup& lookup = *planned.collector->lookup;
  std::set<std::string> values = ValuesOf(lookup.by, families);
  std::erase_if(texts_, [&](const auto& known) { return !values.contains(known.first); });
  std::erase_if(values, [&](const std::string& value) { return texts_.contains(value); });
  if (values.empty()) return "";
  std::optional<std::string> sql = FillIn(lookup.sql, *planned.collector, facts, planned.options);
  if (!sql) return "";
  for (const std::string& value : values) texts_[value];
  const std::size_t at = sql->find(kMissing);
  if (at != std::string::npos) sql->replace(at, kMissing.size(), SqlLiterals(values, ""));
  return "/* pgbeacon:" + planned.collector->name + " */ " + *sql;
}

void LookupTable::Learn(const PlannedCollector& planned, const Rows& rows) {
  const Lookup& lookup = *planned.collector->lookup;
  std::size_t value = rows.columns();
  std::size_t text = rows.columns();
  for (std::size_t i = 0; i < rows.columns(); ++i) {
    if (rows.name(i) == lookup.by) value = i;
    if (rows.name(i) == lookup.label) text = i;
  }
  if (value == rows.columns() || text == rows.columns()) return;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto known = texts_.find(std::string(rows.at(row, value).value_or("")));
    if (known != texts_.end()) known->second = rows.at(row, text).value_or("");
  }
}

void LookupTable::AddTo(const PlannedCollector& planned, Families& families) const {
  const Lookup& lookup = *planned.collector->lookup;
  Family family;
  family.name = lookup.metric;
  family.type = MetricType::Counter;
  family.help = lookup.help;
  for (const auto& [value, text] : texts_) {
    if (!text.empty()) AddSample(family, {{lookup.by, value}, {lookup.label, text}}, 1);
  }
  if (!family.metric.empty()) families.push_back(std::move(family));
}

}  // namespace pgbeacon::collectors
