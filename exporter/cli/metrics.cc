// `pgbeacon metrics` shows what the catalogues declare and, for families that are made in code,
// what the code makes of examples, so that the list cannot drift from the page.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "collectors/native/names.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/examples.h"
#include "exporter/cli/native_examples.h"
#include "exporter/cli/table.h"

namespace pgbeacon::cli {
namespace {

struct Listed {
  std::string type;
  std::vector<std::string> labels;
  std::string source;  ///< the collector, or the part of pgbeacon that makes it
  std::string help;
};
using List = std::map<std::string, Listed>;

const char* TypeName(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
    default:
      return "untyped";
  }
}

void AddCollector(const collectors::Collector& collector, List& list) {
  std::vector<std::string> all_labels;
  for (const collectors::Column& column : collector.columns) {
    if (!column.label.empty()) all_labels.push_back(column.label);
  }
  const std::string source = "collector " + collector.name;
  for (const collectors::Column& column : collector.columns) {
    if (column.metric.empty()) continue;
    const auto& labels = column.labels.empty() && !column.unlabelled ? all_labels : column.labels;
    list.insert({column.metric, {TypeName(column.type), labels, source, column.help}});
    for (const collectors::CompatName& compat : column.compat) {
      list.insert({compat.name,
                   {TypeName(compat.type), compat.labels.empty() ? labels : compat.labels, source,
                    compat.help.empty() ? column.help : compat.help}});
    }
  }
}

void AddLookup(const collectors::Collector& collector, List& list) {
  if (!collector.lookup) return;
  const collectors::Lookup& lookup = *collector.lookup;
  list.insert({lookup.metric,
               {"counter", {lookup.by, lookup.label}, "collector " + collector.name, lookup.help}});
}

void AddFamilies(const Families& families, const std::string& source, List& list) {
  for (const Family& family : families) {
    std::vector<std::string> labels;
    for (const auto& label : family.metric.front().label) labels.push_back(label.name);
    list.insert({family.name, {TypeName(family.type), labels, source, family.help}});
  }
}

void AddLogFamilies(const log::Catalogue& events, List& list) {
  for (const log::FamilySpec& family : events.families()) {
    constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
    std::vector<std::string> labels = {"server"};
    labels.insert(labels.end(), family.labels.begin(), family.labels.end());
    list.insert({family.name, {kTypes[static_cast<int>(family.type)], labels, "log", family.help}});
  }
  for (const log::SampleSpec& sample : events.samples()) {
    list.insert({sample.metric, {"gauge", {"server", "source", "addon"}, "log", sample.help}});
  }
  AddFamilies(ExampleLog(events), "log", list);
}

Result<List> MakeList(Setup& setup) {
  const Result<log::Catalogue> events = config::LoadEvents(setup.config);
  if (!events.ok()) return events.error();
  List list;
  for (const auto& collector : setup.collectors.collectors()) {
    AddCollector(*collector, list);
    AddLookup(*collector, list);
  }
  AddLogFamilies(*events, list);
  for (const collectors::NativeCollector& native : collectors::kNativeCollectors) {
    const std::string name = native.name;
    AddFamilies(ExampleNative(name), "collector " + name, list);
  }
  AddFamilies(ExampleTarget(), "exporter", list);
  AddFamilies(ExampleExporter(), "exporter", list);
  return list;
}

}  // namespace

int RunMetrics(Setup& setup, Output output) {
  const Result<List> list = MakeList(setup);
  if (!list.ok()) {
    std::fputs((list.error().message + "\n").c_str(), stderr);
    return 1;
  }
  if (output == Output::kJson) {
    boost::json::array out;
    for (const auto& [name, listed] : *list) {
      boost::json::array labels(listed.labels.begin(), listed.labels.end());
      out.push_back(boost::json::object{{"metric", name},
                                        {"type", listed.type},
                                        {"labels", std::move(labels)},
                                        {"source", listed.source},
                                        {"help", listed.help}});
    }
    std::puts(boost::json::serialize(out).c_str());
    return 0;
  }
  std::vector<TableRow> rows;
  for (const auto& [name, listed] : *list) {
    rows.push_back({name, listed.type, Join(listed.labels, ","), listed.source, listed.help});
  }
  std::fputs(FormatTable({"METRIC", "TYPE", "LABELS", "SOURCE", "HELP"}, rows).c_str(), stdout);
  return 0;
}

}  // namespace pgbeacon::cli
