// Leaving: a connection that was closed, until the server has ended its backend. A server needs a
// moment for that, and one that is stopped or stuck does not do it at all.
//
// Example:
//   std::shared_ptr<Leaving> leaving = Leaving::From(std::move(conn), executor, place);
//   const bool gone = co_await leaving->Wait(deadline);
#pragma once

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "exporter/net/asio.h"
#include "exporter/net/event.h"
#include "exporter/pg/handles.h"
#include "exporter/pg/socket.h"

namespace pgbeacon::pg {

/// A backend that has not been seen to end by then is taken for gone: a few stuck ones must not
/// end the monitoring of their server.
inline constexpr std::chrono::minutes kLeavingLease{10};

class Leaving {
 public:
  /// Closes `conn`. The socket stays half open: the server's kernel closes it when the backend's
  /// process has ended. `place` is kept until then.
  static std::shared_ptr<Leaving> From(PgConn conn, net::any_io_executor executor,
                                       std::shared_ptr<void> place);

  Leaving(net::any_io_executor executor, int descriptor, std::shared_ptr<void> place);
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;
  ~Leaving();

  bool gone() const { return gone_.happened(); }
  /// Whether it is gone by `deadline`.
  net::awaitable<bool> Wait(TimePoint deadline) { return gone_.Wait(deadline); }
  /// Waits for it no longer.
  void Stop() { socket_.Stop(); }

 private:
  static net::awaitable<void> Watch(std::shared_ptr<Leaving> self);
  void End();

  int descriptor_;  ///< -1: it was closed already
  Socket socket_;
  net::Event gone_;
  std::shared_ptr<void> place_;
};

}  // namespace pgbeacon::pg
