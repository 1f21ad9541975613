// One connection from accept to close: reads requests, has them answered, writes responses.
#pragma once

#include <memory>

#include "exporter/http/site.h"
#include "exporter/net/asio.h"

namespace pgbeacon::http {

/// Serves plain HTTP on the socket until either side ends it or a limit does. `refuse`: the server
/// is full, so the first request is answered 503 and the connection closed.
net::awaitable<void> RunSession(net::asio::ip::tcp::socket socket, std::shared_ptr<Site> site,
                                bool refuse);

}  // namespace pgbeacon::http
