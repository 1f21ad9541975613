// Resolve: the addresses of a name, asked for on a thread of a pool: a name server that hangs holds
// one thread for each name of `calls` and delays nobody else.
//
// Example:
//   const Result<Endpoints> found = co_await Resolve(pool, calls, "logs.example.com", 6514,
//   deadline);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/net/shared_calls.h"

namespace pgbeacon::net {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

/// An address is its own, without asking. kUnavailable where there is none, kTimeout where nobody
/// has answered by the deadline.
awaitable<Result<Endpoints>> Resolve(BlockingPool& pool, SharedCalls& calls, std::string host,
                                     std::uint16_t port, TimePoint deadline);

}  // namespace pgbeacon::net
