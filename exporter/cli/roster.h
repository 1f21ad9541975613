// Roster: what the config, the flags and the environment say of targets, as the fleet wants it.
//
// Example:
//   fleet.Apply(ToRoster(setup, events, hub));
#pragma once

#include "exporter/cli/options.h"
#include "exporter/fanout/hub.h"
#include "exporter/fleet/fleet.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::cli {

/// What targets' sample# records are made with and where they go. Borrowed for as long as there are
/// targets.
struct SampleParts {
  net::any_io_executor executor;
  net::BlockingPool& pool;
  const log::Catalogue& events;
  fanout::Hub* hub = nullptr;  ///< null: nobody reads them
};

fleet::Roster ToRoster(const Setup& setup, const SampleParts& samples);

}  // namespace pgbeacon::cli
