// TLS for connections that we open (TLS 1.2 and later): what is trusted, and the name that the
// certificate must bear.
//
// Example:
//   Result<ClientTlsContext> context = co_await OpenClientTls(pool, calls, tls, deadline);
//   asio::ssl::stream<Socket> stream(executor, **context);
//   ExpectHost("drain.example.com", *stream.native_handle());
//   co_await stream.async_handshake(...);      // WhyUntrusted(*stream.native_handle()) afterwards
#pragma once

#include <boost/asio/ssl.hpp>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/net/client_tls.h"
#include "exporter/net/shared_calls.h"

namespace pgbeacon::net {

using ClientTlsContext = std::shared_ptr<asio::ssl::context>;

/// Reads the files, on the pool; the error names the one that is wrong (kInvalid), or the first of
/// them where they do not answer by the deadline (kTimeout).
awaitable<Result<ClientTlsContext>> OpenClientTls(BlockingPool& pool, SharedCalls& calls,
                                                  ClientTls tls, TimePoint deadline);

/// Asks for the host by name and, where the context verifies, accepts no other's certificate.
void ExpectHost(const std::string& host, SSL& session);

/// What is wrong with the other side's certificate; empty: nothing.
std::string WhyUntrusted(const SSL& session);

}  // namespace pgbeacon::net
