// What tests of samples share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "logparse/events/catalogue.h"
#include "logparse/sample.h"

namespace pgbeacon::log {

inline const std::vector<SampleSpec>& Specs() {
  static const Result<Catalogue> catalogue = Catalogue::Builtin();
  return catalogue->samples();
}

// The value of every series, by name and labels without the server.
inline std::map<std::string, double> Shown(const SampleStore& store, double now) {
  std::map<std::string, Family> families;
  store.Collect(Specs(), "db", now, families);
  std::map<std::string, double> out;
  for (const auto& [name, family] : families) {
    for (const ClientMetric& metric : family.metric) {
      std::string series = name;
      for (const auto& label : metric.label) {
        if (label.name != "server") series += " " + label.name + "=" + label.value;
      }
      const bool counter = family.type == MetricType::Counter;
      if (family.type != MetricType::Histogram) {
        EXPECT_TRUE(out.emplace(series, counter ? metric.counter.value : metric.gauge.value).second)
            << "twice: " << series;
        continue;
      }
      out[series + " count"] = static_cast<double>(metric.histogram.sample_count);
      out[series + " sum"] = metric.histogram.sample_sum;
      for (const auto& bucket : metric.histogram.bucket) {
        out[series + " le=" + FormatDouble(bucket.upper_bound)] =
            static_cast<double>(bucket.cumulative_count);
      }
    }
  }
  return out;
}

}  // namespace pgbeacon::log
