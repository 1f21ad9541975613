#include "exporter/cli/metric_list.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "collectors/engine/known.h"
#include "collectors/native/names.h"
#include "exporter/cli/examples.h"
#include "exporter/cli/native_examples.h"

namespace pgbeacon::cli {
namespace {

using collectors::Collector;
using collectors::Column;
using collectors::CompatName;
/// Names of a collector's metrics -> majors that have them.
using Majors = std::map<std::pair<const Collector*, std::string>, std::set<int>>;

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

std::string UnitOf(std::string_view name) {
  if (name.ends_with("_total")) name.remove_suffix(6);
  for (const char* unit : {"seconds", "bytes", "ratio"}) {
    if (name.ends_with(std::string("_") + unit)) return unit;
  }
  return "";
}

/// Of a peer's name, which may lie.
std::string UnitOf(const CompatName& compat, const Column& column) {
  if (compat.scale == column.scale) return UnitOf(column.metric);
  return compat.scale == 1 && column.scale == 0.001 ? "milliseconds" : UnitOf(compat.name);
}

std::string ToText(const std::set<int>& majors) {
  const std::string first = std::to_string(*majors.begin());
  if (*majors.rbegin() == collectors::kNewestMajor) return first + "+";
  return majors.size() == 1 ? first : first + "-" + std::to_string(*majors.rbegin());
}

Majors FindMajors(const collectors::Catalogue& catalogue) {
  Majors found;
  for (int major = collectors::kOldestMajor; major <= collectors::kNewestMajor; ++major) {
    for (const bool standby : {false, true}) {
      const collectors::Plan plan = MakePlan(catalogue, collectors::Selection{.all = true},
                                             KnownFacts(catalogue, major, standby));
      for (const collectors::PlannedCollector& planned : plan.on) {
        for (const Column* column : planned.columns) {
          found[{planned.collector, column->metric}].insert(major);
          for (const CompatName& compat : column->compat) {
            if (!compat.versions.Contains(major)) continue;
            found[{planned.collector, compat.name}].insert(major);
          }
        }
      }
    }
  }
  return found;
}

std::string Time(std::optional<std::chrono::milliseconds> time) {
  if (!time) return "";
  const auto seconds = time->count() / 1000;
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + "h";
  if (seconds % 60 == 0) return std::to_string(seconds / 60) + "m";
  return std::to_string(seconds) + "s";
}

std::string Needs(const Collector& collector) {
  std::vector<std::string> needs;
  if (!collector.needs.extension.empty()) {
    needs.push_back("the extension " + collector.needs.extension);
  }
  if (!collector.needs.privilege.empty()) {
    needs.push_back("the privileges of " + collector.needs.privilege);
  }
  if (!collector.needs.setting.empty()) {
    needs.push_back("the setting " + collector.needs.setting);
  }
  if (collector.role == collectors::Role::kPrimary) needs.push_back("a primary");
  if (collector.role == collectors::Role::kStandby) needs.push_back("a standby");
  return Join(needs, ", ");
}

/// Keeps the first of each name.
void Add(ListedMetric metric, MetricGroup& group) {
  const auto at =
      std::ranges::lower_bound(group.metrics, metric.name, std::less<>(), &ListedMetric::name);
  if (at != group.metrics.end() && at->name == metric.name) return;
  group.metrics.insert(at, std::move(metric));
}

MetricGroup ToGroup(const Collector& collector, const Majors& majors) {
  constexpr const char* kCosts[] = {"cheap", "medium", "expensive"};
  MetricGroup group{.source = "collector " + collector.name,
                    .collector = collector.name,
                    .help = collector.help,
                    .on_by_default = collector.on_by_default,
                    .cost = kCosts[static_cast<int>(collector.cost)],
                    .interval = Time(collector.sample ? collector.sample : collector.interval),
                    .needs = Needs(collector),
                    .metrics = {}};
  std::vector<std::string> all_labels;
  for (const Column& column : collector.columns) {
    if (!column.label.empty()) all_labels.push_back(column.label);
  }
  const auto versions = [&](const std::string& name, const collectors::VersionRange& range) {
    const auto found = majors.find({&collector, name});
    if (found != majors.end()) return ToText(found->second);
    return std::to_string(std::max({range.min, collector.versions.min, collectors::kOldestMajor})) +
           "+";
  };
  for (const Column& column : collector.columns) {
    if (column.metric.empty()) continue;
    const auto& labels = column.labels.empty() && !column.unlabelled ? all_labels : column.labels;
    Add({column.metric, TypeName(column.type), UnitOf(column.metric), labels,
         versions(column.metric, column.versions), column.help},
        group);
    for (const CompatName& compat : column.compat) {
      Add({compat.name, TypeName(compat.type), UnitOf(compat, column),
           compat.labels.empty() ? labels : compat.labels, versions(compat.name, compat.versions),
           compat.help.empty() ? column.help : compat.help},
          group);
    }
  }
  if (const auto& lookup = collector.lookup) {
    Add({lookup->metric,
         "counter",
         "",
         {lookup->by, lookup->label},
         versions(lookup->metric, collector.versions),
         lookup->help},
        group);
  }
  return group;
}

void AddFamilies(const Families& families, MetricGroup& group) {
  for (const Family& family : families) {
    std::vector<std::string> labels;
    for (const auto& label : family.metric.front().label) labels.push_back(label.name);
    Add({family.name, TypeName(family.type), UnitOf(family.name), std::move(labels), "",
         family.help},
        group);
  }
}

MetricGroup LogGroup(const log::Catalogue& events) {
  MetricGroup group{.source = "log",
                    .help = "What pgbeacon makes of servers' logs and sample# records."};
  for (const log::FamilySpec& family : events.families()) {
    constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
    std::vector<std::string> labels = {"server"};
    labels.insert(labels.end(), family.labels.begin(), family.labels.end());
    Add({family.name, kTypes[static_cast<int>(family.type)], UnitOf(family.name), std::move(labels),
         "", family.help},
        group);
  }
  for (const log::SampleSpec& sample : events.samples()) {
    Add({sample.metric,
         "gauge",
         UnitOf(sample.metric),
         {"server", "source", "addon"},
         "",
         sample.help},
        group);
  }
  AddFamilies(ExampleLog(events), group);
  return group;
}

}  // namespace

Result<std::vector<MetricGroup>> ListMetrics(Setup& setup) {
  const Result<log::Catalogue> events = config::LoadEvents(setup.config);
  if (!events.ok()) return events.error();
  const Majors majors = FindMajors(*setup.collectors);
  std::vector<MetricGroup> groups;
  for (const auto& collector : setup.collectors->collectors()) {
    groups.push_back(ToGroup(*collector, majors));
  }
  for (const collectors::NativeCollector& native : collectors::kNativeCollectors) {
    MetricGroup& group = groups.emplace_back(
        MetricGroup{.source = std::string("collector ") + native.name, .collector = native.name});
    group.help = native.help;
    AddFamilies(ExampleNative(native.name), group);
  }
  std::ranges::sort(groups, {}, &MetricGroup::collector);
  groups.push_back(LogGroup(*events));
  MetricGroup& own = groups.emplace_back(
      MetricGroup{.source = "exporter", .help = "The server's state and pgbeacon's own."});
  AddFamilies(ExampleTarget(), own);
  AddFamilies(ExampleExporter(), own);
  return groups;
}

}  // namespace pgbeacon::cli
