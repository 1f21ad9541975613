#include "exporter/metrics/self.h"

#include "exporter/metrics/config_errors.h"
#include "exporter/metrics/process.h"

namespace pgbeacon::metrics {

void AppendSelf(const SelfStats& stats, Families& families) {
  AppendBuildInfo(families);
  AppendProcess(families);
  AddSample(AddFamily(families, "pgbeacon_config_last_reload_successful", MetricType::Gauge,
                      "Whether the config and all that it names was read without a mistake (1) "
                      "or something was left out (0)."),
            {}, stats.config_errors.empty() ? 1 : 0);
  AppendConfigErrors(stats.config_errors, families);
  if (stats.config_read_unix > 0) {
    AddSample(AddFamily(families, "pgbeacon_config_last_reload_success_timestamp_seconds",
                        MetricType::Gauge, "When the config was last read without a mistake."),
              {}, stats.config_read_unix);
  }
  AddSample(AddFamily(families, "pgbeacon_config_restart_required", MetricType::Gauge,
                      "Whether the config has changed in a part that is read at the start only "
                      "(1) or not (0)."),
            {}, stats.restart_required ? 1 : 0);
  AddSample(AddFamily(families, "pgbeacon_targets", MetricType::Gauge, "Targets that are watched."),
            {}, static_cast<double>(stats.targets));
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

void AppendScrapeStats(const ScrapeStats& stats, Families& families) {
  const auto add = [&families](const char* name, MetricType type, const char* help, double value) {
    AddSample(AddFamily(families, name, type, help), {}, value);
  };
  add("pg_exporter_scrapes_total", MetricType::Counter, "Scrapes of the server.",
      static_cast<double>(stats.scrapes));
  add("pg_exporter_last_scrape_duration_seconds", MetricType::Gauge,
      "Time that the last scrape of the server took.", stats.last_seconds);
  add("pg_exporter_last_scrape_error", MetricType::Gauge,
      "Whether something failed in the last scrape of the server (1) or not (0).",
      stats.last_failed ? 1 : 0);
}

void AppendPeerSelf(const PeerStats& stats, Families& families) {
  const auto add = [&families](const char* name, MetricType type, const char* help, double value,
                               Labels labels = {}) {
    AddSample(AddFamily(families, name, type, help), std::move(labels), value);
  };
  if (!stats.queries_file.empty()) {
    add("pg_exporter_user_queries_load_error", MetricType::Gauge,
        "Whether the queries.yaml was read without a mistake (0) or not (1).",
        stats.queries_failed ? 1 : 0,
        {{"filename", stats.queries_file}, {"hashsum", stats.queries_sha256}});
  }
  add("postgres_exporter_config_last_reload_successful", MetricType::Gauge,
      "Whether the config was read without a mistake (1) or something was left out (0).",
      stats.config_read ? 1 : 0);
  add("postgres_exporter_config_last_reload_success_timestamp_seconds", MetricType::Gauge,
      "When the config was last read without a mistake.", stats.config_read_unix);
  add("postgres_exporter_build_info", MetricType::Gauge,
      "Version of pgbeacon under the name of the program that it stands in for; always 1.", 1,
      {{"version", Version()}, {"revision", Revision()}});
}

}  // namespace pgbeacon::metrics
