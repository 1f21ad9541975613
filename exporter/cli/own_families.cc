#include "exporter/cli/own_families.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "collectors/native/names.h"
#include "exporter/cli/examples.h"
#include "exporter/cli/native_examples.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::cli {
namespace {

MetricType TypeOf(const log::FamilySpec& spec) {
  switch (spec.type) {
    case log::FamilySpec::Type::kCounter:
      return MetricType::Counter;
    case log::FamilySpec::Type::kGauge:
      return MetricType::Gauge;
    case log::FamilySpec::Type::kHistogram:
      break;
  }
  return MetricType::Histogram;
}

}  // namespace

std::map<std::string, MetricType> OwnFamilies() {
  Families families = ExampleTarget();
  const auto add = [&families](Families more) {
    std::ranges::move(more, std::back_inserter(families));
  };
  add(ExampleExporter());
  for (const collectors::NativeCollector& native : collectors::kNativeCollectors) {
    add(ExampleNative(native.name));
  }
  if (const Result<log::Catalogue> events = log::Catalogue::Builtin(); events.ok()) {
    add(ExampleLog(*events));
    for (const log::FamilySpec& spec : events->families()) {
      AddFamily(families, spec.name, TypeOf(spec), spec.help);
    }
    for (const log::SampleSpec& sample : events->samples()) {
      AddFamily(families, sample.metric, MetricType::Gauge, sample.help);
    }
  }
  std::map<std::string, MetricType> taken;
  for (const Family& family : families) {
    taken.emplace(family.name, family.type);
    if (family.type != MetricType::Histogram) continue;
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      taken.emplace(family.name + suffix, family.type);
    }
  }
  return taken;
}

std::set<std::string> TargetLabels() {
  Families families = ExampleTarget();
  for (const collectors::NativeCollector& native : collectors::kNativeCollectors) {
    std::ranges::move(ExampleNative(native.name), std::back_inserter(families));
  }
  std::set<std::string> names;
  for (const Family& family : families) {
    for (const auto& metric : family.metric) {
      for (const auto& label : metric.label) names.insert(label.name);
    }
  }
  return names;
}

}  // namespace pgbeacon::cli
