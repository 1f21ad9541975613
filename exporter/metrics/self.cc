#include "exporter/metrics/self.h"

#include "exporter/metrics/process.h"

namespace pgbeacon::metrics {

void AppendSelf(const SelfStats& stats, Families& families) {
  AppendBuildInfo(families);
  AppendProcess(families);
  AddSample(AddFamily(families, "pgbeacon_config_last_reload_successful", MetricType::Gauge,
                      "Whether the config and all that it names was read without a mistake (1) "
                      "or something was left out (0)."),
            {}, stats.config_read ? 1 : 0);
  Family& requests = AddFamily(families, "pgbeacon_http_requests_total", MetricType::Counter,
                               "HTTP requests answered, by path as routed and status code.");
  for (const auto& [key, count] : stats.requests) {
    AddSample(requests, {{"handler", key.first}, {"code", std::to_string(key.second)}},
              static_cast<double>(count));
  }
  AddSample(AddFamily(families, "pgbeacon_page_series_dropped_total", MetricType::Counter,
                      "Series left out of a page because another of the same name and labels "
                      "was on it, or their name is invalid."),
            {}, static_cast<double>(stats.dropped_series));
}

}  // namespace pgbeacon::metrics
