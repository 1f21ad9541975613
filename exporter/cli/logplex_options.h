// What the config file and the flags say of POST /logplex, put together.
#pragma once

#include <optional>

#include "exporter/cli/options.h"
#include "exporter/web/logplex_input.h"

namespace pgbeacon::cli {

/// Nothing: nobody asked for it. Flags win over the file; where who may deliver is not known
/// because of a mistake in the file, it is closed.
std::optional<web::LogplexOptions> ToLogplexOptions(const config::Logplex& logplex,
                                                    const ServeFlags& flags);

}  // namespace pgbeacon::cli
