// `pgbeacon serve`: the exporter itself.
#pragma once

#include <functional>

#include "exporter/cli/options.h"
#include "exporter/cli/web_flags.h"

namespace pgbeacon::cli {

/// Reads what the setup was made of again; called on another thread.
using PrepareAgain = std::function<Result<Setup>()>;

/// Serves until SIGINT or SIGTERM. The exit status: 0 after a signal, 1 when it cannot start.
int RunServe(Setup setup, const ServeFlags& flags, const WebFlags& web, PrepareAgain again);

}  // namespace pgbeacon::cli
