// One connection from accept to close: reads requests, has them answered, writes responses.
#pragma once

#include <memory>

#include "exporter/http/site.h"
#include "exporter/net/asio.h"
#include "exporter/net/stream_socket.h"

namespace pgbeacon::http {

/// Serves HTTP on the socket, with TLS where the site's guard says so, until either side ends it or
/// a limit does. `refuse`: the server is full, so the first request is answered 503 and the
/// connection closed.
net::awaitable<void> RunSession(net::StreamSocket socket, std::shared_ptr<Site> site, bool refuse);

}  // namespace pgbeacon::http
