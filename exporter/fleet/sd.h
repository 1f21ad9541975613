// What Prometheus' http_sd_configs reads: every target with all that its scrape needs, so that the
// job needs no relabelling (Prometheus documentation, "HTTP SD").
//
// Example:
//   response.body = ServiceDiscovery(fleet, {.address = "beacon:9187", .metrics_path =
//   "/metrics"});
#pragma once

#include <string>

#include "exporter/fleet/fleet.h"

namespace pgbeacon::fleet {

struct Address {
  std::string address;       ///< where Prometheus reaches us: HOST:PORT
  std::string metrics_path;  ///< the page of the main target and of ourselves
  std::string scheme;        ///< http or https; empty: as the job says
};

/// JSON: [{"targets": ["beacon:9187"], "labels": {"__metrics_path__": "/probe", "__param_target":
/// "orders", "instance": "orders", ...}}, ...]. The labels of targets are Prometheus' then, so the
/// pages are asked for without them.
std::string ServiceDiscovery(const Fleet& fleet, const Address& address);

}  // namespace pgbeacon::fleet
