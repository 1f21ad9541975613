// The config file's key `drains`: where lines are sent on to, see docs/drains.md.
//
// Example:
//   drains:
//     - {url: "syslog+tls://logs.example.com:6514", servers: ["orders-*"], severity: WARNING}
//     - {url: "https://user:secret@logs.example.com/logplex", token_file:
//     /etc/pgbeacon/drain.token}
#pragma once

#include <vector>

#include "base/yaml.h"
#include "exporter/fanout/drain_options.h"

namespace pgbeacon::config {

/// A drain with a mistake is told and left out.
std::vector<fanout::DrainOptions> ReadDrains(YamlMap& root);

}  // namespace pgbeacon::config
