// `pgbeacon flags`: the flags of a command as a table, JSON, or the page docs/flags.md.
#pragma once

#include <CLI/App.hpp>

#include "exporter/cli/options.h"

namespace pgbeacon::cli {

void PrintFlags(const CLI::App& command, Output output);

}  // namespace pgbeacon::cli
