// Knock: whether a server lets anybody in, asked at its door. It says so before it asks who is
// there, so this ends before authentication and costs the server a process for a moment, no
// session.
//
// Example:
//   const Status door = co_await Knock(executor, pool, login, SteadyClock::now() + 1s);
//   if (!door.ok() && ReasonOf(door.error()) == UpReason::kInShutdown) ...
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/pg/login.h"

namespace pgbeacon::pg {

/// The server's refusal as an Error with its SQLSTATE; kTimeout where there was no answer by
/// `deadline`. Of several hosts any one may have answered.
net::awaitable<Status> Knock(net::any_io_executor executor, net::BlockingPool& pool,
                             std::shared_ptr<const Login> login, TimePoint deadline);

}  // namespace pgbeacon::pg
