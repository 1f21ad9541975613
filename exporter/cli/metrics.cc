// `pgbeacon metrics`: the list as a table, JSON, or the page docs/metrics.md.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/text.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/metric_list.h"
#include "exporter/cli/table.h"

namespace pgbeacon::cli {
namespace {

using Groups = std::vector<MetricGroup>;

/// Nothing where a value does not apply.
boost::json::value OrNull(const std::string& text) {
  return text.empty() ? boost::json::value() : boost::json::value(text);
}

std::string ToJson(const Groups& groups) {
  boost::json::array out;
  for (const MetricGroup& group : groups) {
    for (const ListedMetric& metric : group.metrics) {
      out.push_back(boost::json::object{
          {"metric", metric.name},
          {"type", metric.type},
          {"unit", OrNull(metric.unit)},
          {"labels", boost::json::array(metric.labels.begin(), metric.labels.end())},
          {"versions", OrNull(metric.versions)},
          {"source", group.source},
          {"collector", OrNull(group.collector)},
          {"default", group.on_by_default},
          {"cost", OrNull(group.cost)},
          {"interval", OrNull(group.interval)},
          {"help", metric.help}});
    }
  }
  return boost::json::serialize(out) + "\n";
}

std::string ToTable(const Groups& groups) {
  std::vector<TableRow> rows;
  for (const MetricGroup& group : groups) {
    for (const ListedMetric& metric : group.metrics) {
      rows.push_back({metric.name, metric.type, metric.unit, Join(metric.labels, ","),
                      metric.versions, group.source, group.on_by_default ? "on" : "off", group.cost,
                      metric.help});
    }
  }
  return FormatTable(
      {"METRIC", "TYPE", "UNIT", "LABELS", "VERSIONS", "SOURCE", "DEFAULT", "COST", "HELP"}, rows);
}

/// How often, at what cost and under which conditions the collector is asked.
std::string Conditions(const MetricGroup& group) {
  std::string text = group.on_by_default ? "On by default" : "Off by default";
  text += group.interval.empty() ? "; at every scrape" : "; every " + group.interval;
  if (!group.cost.empty()) text += "; " + group.cost;
  if (!group.needs.empty()) text += "; needs " + group.needs;
  return text + ".";
}

std::string ToMarkdown(const Groups& groups) {
  std::string out =
      "# Metrics\n\n"
      "Every metric that pgbeacon can expose; `pgbeacon metrics --json` tells the same. Versions "
      "are "
      "PostgreSQL's majors that\nhave it. This page is made by `pgbeacon metrics -o markdown`.\n";
  for (const MetricGroup& group : groups) {
    out += "\n## " + (group.collector.empty() ? group.source : group.collector) + "\n\n";
    out += group.help;
    if (!group.collector.empty()) out += " " + Conditions(group);
    out += "\n\n| metric | type | unit | labels | versions | help |\n|---|---|---|---|---|---|\n";
    for (const ListedMetric& metric : group.metrics) {
      out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", metric.name, metric.type,
                         metric.unit, Join(metric.labels, ", "), metric.versions, metric.help);
    }
  }
  return out;
}

}  // namespace

int RunMetrics(Setup& setup, Output output) {
  const Result<Groups> groups = ListMetrics(setup);
  if (!groups.ok()) {
    std::fputs((groups.error().message + "\n").c_str(), stderr);
    return 1;
  }
  const auto print = output == Output::kJson       ? ToJson
                     : output == Output::kMarkdown ? ToMarkdown
                                                   : ToTable;
  std::fputs(print(*groups).c_str(), stdout);
  return 0;
}

}  // namespace pgbeacon::cli
