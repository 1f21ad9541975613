// What a server shares with its sessions: the routes, the limits and the list of open connections.
// One thread, the executor's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "exporter/http/guard.h"
#include "exporter/http/router.h"
#include "exporter/http/server.h"
#include "exporter/net/asio.h"

namespace pgbeacon::http {

class Connection;

/// Kept alive by every session, since those may outlive the server.
struct Site {
  net::any_io_executor executor;
  net::BlockingPool* pool = nullptr;
  Limits limits;
  Observer observer;
  Router router;
  std::shared_ptr<Guard> guard;  ///< none: everybody is let in, without TLS
  ConnectionFigures figures;
  std::set<Connection*> connections = {};
  std::size_t streams = 0;  ///< connections whose response is one
  bool stopping = false;    ///< no further request on any connection
  bool closed = false;      ///< the server is gone: `pool` and `observer` are not to be used

  void Count(Ended why) { ++figures.ended[static_cast<std::size_t>(why)]; }
};

/// The entry of one connection in its site's list, for the life of its session.
class Connection {
 public:
  /// `close` ends every operation of the connection; it is called on the executor's thread.
  Connection(Site& site, std::function<void()> close) : site_(site), close_(std::move(close)) {
    site_.connections.insert(this);
  }
  ~Connection() { site_.connections.erase(this); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Close() { close_(); }

  bool idle = true;                    ///< no request has begun, or the last one is answered
  std::shared_ptr<BodySource> stream;  ///< while it is sent

 private:
  Site& site_;
  std::function<void()> close_;
};

}  // namespace pgbeacon::http
