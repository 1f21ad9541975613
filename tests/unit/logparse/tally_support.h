// What tests of the tally share: messages counted, and its page as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "catalogue_support.h"
#include "logparse/tally.h"

namespace pgbeacon::log {

inline void Count(Tally& tally, const Message& message, std::string_view server = "db",
                  double now = 1000) {
  static Event event;
  Builtin().Match(message, event);
  tally.Count(tally.Server(server), message, event, now);
}

inline Message Line(Severity severity, std::string_view text, Side side = Side::kServer) {
  Message message;
  message.severity = severity;
  message.side = side;
  message.text = text;
  return message;
}

// One line per series: name{label=value,...} value, or count, sum and non-empty buckets.
inline std::vector<std::string> Page(const Tally& tally, double now = 1000) {
  std::vector<std::string> out;
  for (const Family& family : tally.Collect(now)) {
    for (const ClientMetric& metric : family.metric) {
      std::string line = family.name + "{";
      for (const auto& label : metric.label) {
        line += (line.back() == '{' ? "" : ",") + label.name + "=" + label.value;
      }
      line += "} ";
      if (family.type == MetricType::Histogram) {
        line += "count=" + std::to_string(metric.histogram.sample_count) +
                " sum=" + FormatDouble(metric.histogram.sample_sum);
        std::uint64_t below = 0;
        for (const auto& bucket : metric.histogram.bucket) {
          if (bucket.cumulative_count > below)
            line += " le" + FormatDouble(bucket.upper_bound) + "=" +
                    std::to_string(bucket.cumulative_count);
          below = bucket.cumulative_count;
        }
      } else {
        line += FormatDouble(family.type == MetricType::Counter ? metric.counter.value
                                                                : metric.gauge.value);
      }
      out.push_back(line);
    }
  }
  return out;
}

inline double Value(const Tally& tally, const std::string& series) {
  for (const std::string& line : Page(tally)) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return -1;
}

inline bool Shows(const Tally& tally, const std::string& start) {
  for (const std::string& line : Page(tally)) {
    if (line.starts_with(start)) return true;
  }
  return false;
}

}  // namespace pgbeacon::log
