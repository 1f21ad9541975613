// The flags that say which server, which collectors and how they are asked.
#pragma once

#include <CLI/App.hpp>

#include "collectors/engine/spec.h"
#include "exporter/cli/options.h"

namespace pgbeacon::cli {

/// Adds them to a command; `flags` must outlive it. Every collector of the catalogue has flags of
/// its own.
void AddTargetFlags(CLI::App& command, TargetFlags& flags, const collectors::Catalogue& catalogue);

}  // namespace pgbeacon::cli
