// TLS for connections that we open (TLS 1.2 and later): what is trusted, and the name that the
// certificate must bear.
//
// Example:
//   asio::ssl::context context(asio::ssl::context::tls_client);
//   Status ready = SetUpTls({.ca_file = "ca.pem"}, context);
//   asio::ssl::stream<Socket> stream(executor, context);
//   ExpectHost("drain.example.com", *stream.native_handle());
//   co_await stream.async_handshake(...);      // WhyUntrusted(*stream.native_handle()) afterwards
#pragma once

#include <boost/asio/ssl.hpp>
#include <string>

#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/client_tls.h"

namespace pgbeacon::net {

/// Reads the files; the error names the one that is wrong.
Status SetUpTls(const ClientTls& tls, asio::ssl::context& context);

/// Asks for the host by name and, where the context verifies, accepts no other's certificate.
void ExpectHost(const std::string& host, SSL& session);

/// What is wrong with the other side's certificate; empty: nothing.
std::string WhyUntrusted(const SSL& session);

}  // namespace pgbeacon::net
