#include "exporter/fanout/drain_figures.h"

#include <string_view>
#include <utility>

namespace pgbeacon::fanout {
namespace {

constexpr std::array<std::string_view, kDrainFailures> kReasons = {
    "connection", "timeout", "invalid", "http_429", "http_4xx", "http_5xx", "http_other"};
constexpr std::size_t kSyslogReasons = 3;

}  // namespace

void AppendDrainFamilies(const std::vector<DrainFigures>& drains, Families& families) {
  Family messages = NewFamily(
      "pgbeacon_drain_messages_total", MetricType::Counter,
      "Lines for a drain: delivered, dropped (no room, or given up after three attempts), or "
      "rejected for good by the receiver's answer.");
  Family errors =
      NewFamily("pgbeacon_drain_errors_total", MetricType::Counter,
                "Attempts to reach a drain's receiver, or to deliver to it, that failed.");
  Family buffered = NewFamily("pgbeacon_drain_buffered_messages", MetricType::Gauge,
                              "Lines that wait for a drain or are on their way.");
  Family up = NewFamily("pgbeacon_drain_up", MetricType::Gauge,
                        "Whether a drain's last attempt succeeded; absent before the first.");
  Family success = NewFamily("pgbeacon_drain_last_success_timestamp_seconds", MetricType::Gauge,
                             "When a drain last delivered a line.");
  for (const DrainFigures& drain : drains) {
    const auto count = [&](const char* result, std::uint64_t lines) {
      AddSample(messages, {{"drain", drain.name}, {"result", result}}, static_cast<double>(lines));
    };
    count("delivered", drain.delivered);
    count("dropped", drain.dropped);
    if (drain.kind == DrainKind::kLogplex) count("rejected", drain.rejected);
    const std::size_t reasons = drain.kind == DrainKind::kLogplex ? kDrainFailures : kSyslogReasons;
    for (std::size_t i = 0; i < reasons; ++i) {
      AddSample(errors, {{"drain", drain.name}, {"reason", std::string(kReasons[i])}},
                static_cast<double>(drain.failures[i]));
    }
    const Labels labels = {{"drain", drain.name}};
    AddSample(buffered, labels, static_cast<double>(drain.buffered));
    if (drain.up) AddSample(up, labels, *drain.up ? 1 : 0);
    if (drain.last_success_unix) AddSample(success, labels, *drain.last_success_unix);
  }
  for (Family* family : {&messages, &errors, &buffered, &up, &success}) {
    if (!family->metric.empty()) families.push_back(std::move(*family));
  }
}

}  // namespace pgbeacon::fanout
