// Sockets of connections whatever their family: TCP over IPv4 and IPv6, and unix.
//
// Example:
//   StreamAcceptor acceptor(executor, StreamProtocolOf(fd), fd);
//   StreamSocket socket = co_await acceptor.async_accept(use_awaitable);
//   PeerName(socket.native_handle());   // "127.0.0.1:51234"
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <string>

#include "exporter/net/asio.h"

namespace pgbeacon::net {

using StreamProtocol = asio::generic::stream_protocol;
using StreamSocket = StreamProtocol::socket;
using StreamAcceptor = asio::basic_socket_acceptor<StreamProtocol>;

/// Of an open socket.
StreamProtocol StreamProtocolOf(int socket);

/// "127.0.0.1:51234", "[::1]:51234", "unix"; an IPv4 peer of an IPv6 socket as IPv4. Empty where
/// the peer is gone.
std::string PeerName(int socket);

}  // namespace pgbeacon::net
