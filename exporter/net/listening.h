// Sockets that receive, as plain non-blocking descriptors.
//
// Example:
//   Result<Descriptor> socket = ListenInternet("0.0.0.0:514", Transport::kDatagram);
//   LocalName(socket->get());   // "0.0.0.0:514"
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "exporter/net/descriptor.h"

namespace pgbeacon::net {

enum class Transport : std::uint8_t { kStream, kDatagram };

/// A bound socket of TCP or UDP; streams listen. Addresses are those of ParseListenAddress; ":PORT"
/// and "[::]:PORT" are every address of both families. The error tells what to do; `rival` is what
/// may have the port already.
Result<Descriptor> ListenInternet(const std::string& address, Transport transport,
                                  const std::string& rival = "another syslog daemon");

/// A unix socket in the file system. Its file is removed with it, unless another took its place.
class UnixSocket {
 public:
  /// A file at `path` is replaced when it is a socket that nobody listens on.
  static Result<UnixSocket> Listen(const std::string& path, Transport transport, unsigned mode);
  UnixSocket(UnixSocket&& other) noexcept;
  UnixSocket& operator=(UnixSocket&& other) = delete;
  ~UnixSocket();

  /// The socket itself; the file stays this object's.
  Descriptor TakeSocket() { return std::move(socket_); }

 private:
  UnixSocket(Descriptor socket, std::string path, unsigned mode);

  Descriptor socket_;
  std::string path_;  // empty: moved from
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
};

/// "127.0.0.1:514" or "[::1]:514", an IPv4 address mapped into IPv6 as itself; empty for a unix
/// socket.
std::string NameOf(const sockaddr_storage& address);

/// The socket's own address as NameOf() writes it.
std::string LocalName(int socket);

/// The address without port, an IPv4 address mapped into IPv6 as itself; empty for a unix socket.
std::string HostOf(const sockaddr_storage& address);

}  // namespace pgbeacon::net
