#include "exporter/web/web_figures.h"

#include <cstddef>

namespace pgbeacon::web {

void AppendFamilies(const http::ConnectionFigures& figures, Families& families) {
  AddSample(AddFamily(families, "pgbeacon_http_connections", MetricType::Gauge,
                      "HTTP connections that are open."),
            {}, static_cast<double>(figures.open));
  Family& ended =
      AddFamily(families, "pgbeacon_http_connections_closed_total", MetricType::Counter,
                "HTTP connections that pgbeacon refused or closed by itself, by reason.");
  for (std::size_t i = 0; i < http::kEndedNames.size(); ++i) {
    AddSample(ended, {{"reason", http::kEndedNames[i]}}, static_cast<double>(figures.ended[i]));
  }
}

void AppendFamilies(const GuardFigures& figures, Families& families) {
  AddSample(AddFamily(families, "pgbeacon_web_config_last_reload_successful", MetricType::Gauge,
                      "Whether --web.config.file and what it names was read without a mistake (1) "
                      "or what was read before still holds (0)."),
            {}, figures.read ? 1 : 0);
  AddSample(AddFamily(families, "pgbeacon_web_config_last_reload_success_timestamp_seconds",
                      MetricType::Gauge, "When --web.config.file was last read without a mistake."),
            {}, figures.read_unix);
  Family& logins = AddFamily(families, "pgbeacon_web_logins_total", MetricType::Counter,
                             "Requests to paths that need a user of --web.config.file.");
  for (std::size_t i = 0; i < kLoginNames.size(); ++i) {
    AddSample(logins, {{"result", kLoginNames[i]}}, static_cast<double>(figures.logins[i]));
  }
  AddSample(AddFamily(families, "pgbeacon_web_password_hashes_total", MetricType::Counter,
                      "bcrypt hashes computed; a login that was right before needs none."),
            {}, static_cast<double>(figures.hashes));
  AddSample(AddFamily(families, "pgbeacon_web_requests_over_rate_total", MetricType::Counter,
                      "Requests answered 429 by rate_limit of --web.config.file."),
            {}, static_cast<double>(figures.over_rate));
  if (!figures.certificate_not_after) return;
  AddSample(AddFamily(families, "pgbeacon_tls_certificate_not_after_timestamp_seconds",
                      MetricType::Gauge, "When the TLS certificate ends."),
            {{"side", "listener"}, {"source", "web"}}, *figures.certificate_not_after);
}

}  // namespace pgbeacon::web
