#include "exporter/ingest/listener.h"

#include <utility>

namespace pgbeacon::ingest {

Result<Bound> Bind(const SyslogListenerOptions& options) {
  const bool datagrams = options.kind == ListenerKind::kUdp || options.kind == ListenerKind::kUnix;
  const net::Transport transport = datagrams ? net::Transport::kDatagram : net::Transport::kStream;
  Bound bound;
  if (options.kind == ListenerKind::kUnix || options.kind == ListenerKind::kUnixStream) {
    auto file = net::UnixSocket::Listen(options.address, transport, options.mode);
    if (!file.ok()) return file.error();
    bound.file.emplace(*std::move(file));
    bound.socket = bound.file->TakeSocket();
  } else {
    auto socket = net::ListenInternet(options.address, transport);
    if (!socket.ok()) return socket.error();
    bound.socket = *std::move(socket);
  }
  return bound;
}

}  // namespace pgbeacon::ingest
