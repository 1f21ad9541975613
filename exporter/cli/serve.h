// `pgbeacon serve`: the exporter itself.
#pragma once

#include "exporter/cli/options.h"
#include "exporter/cli/web_flags.h"

namespace pgbeacon::cli {

/// Serves until SIGINT or SIGTERM. The exit status: 0 after a signal, 1 when it cannot start.
int RunServe(Setup setup, const ServeFlags& flags, const WebFlags& web);

}  // namespace pgbeacon::cli
