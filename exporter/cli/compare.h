// `pgbeacon compare URL`: what a swap of a running exporter for pgbeacon would change.
#pragma once

#include <string>

#include "exporter/cli/options.h"

namespace pgbeacon::cli {

/// Asks the exporter at `url` and the setup's server. Exit status: 0 where nothing is lost, 1 where
/// a name, a type, labels or series would be, or one of both does not answer.
int RunCompare(Setup& setup, const std::string& url, Output output);

}  // namespace pgbeacon::cli
