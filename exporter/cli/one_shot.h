// Commands that ask one server once and end: check, explain.
#pragma once

#include <functional>

#include "exporter/cli/options.h"
#include "exporter/net/asio.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::cli {

/// Runs `work` with the setup's target and returns its exit status; `no_target` with a message when
/// the setup has none. `work` gets the deadline: now plus the collection timeout.
int RunOneShot(const Setup& setup, int no_target,
               const std::function<net::awaitable<int>(scrape::Target&, TimePoint)>& work);

}  // namespace pgbeacon::cli
