// Lines for a Hub and what came of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporter/fanout/hub.h"

namespace pgbeacon::fanout {

inline constexpr std::string_view kTime = "2026-01-31T23:59:59.5Z";

inline void AddLine(Hub& hub, std::string_view server, std::string_view text,
                    std::string_view process = "postgres.7",
                    log::Severity severity = log::Severity::kLog) {
  hub.Add({.server = server,
           .time = kTime,
           .source = "app",
           .process = process,
           .severity = severity,
           .text = text});
}

inline std::vector<std::string> Texts(const std::vector<EntryPtr>& entries) {
  std::vector<std::string> texts;
  for (const EntryPtr& entry : entries) texts.emplace_back(entry->text);
  return texts;
}

/// The value of a sample whose only label, if any, is `label`.
inline double Value(const Hub& hub, const std::string& family, const std::string& label = "") {
  Families families;
  hub.AppendFamilies(families);
  for (const Family& found : families) {
    if (found.name != family) continue;
    for (const ClientMetric& sample : found.metric) {
      if ((sample.label.empty() ? "" : sample.label[0].value) != label) continue;
      return found.type == MetricType::Counter ? sample.counter.value : sample.gauge.value;
    }
  }
  return -1;
}

}  // namespace pgbeacon::fanout
