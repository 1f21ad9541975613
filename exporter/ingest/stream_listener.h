// StreamListener: syslog over TCP, TLS and unix stream sockets.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exporter/ingest/frame_sink.h"
#include "exporter/ingest/listener.h"
#include "exporter/ingest/stream_connection.h"
#include "exporter/net/asio.h"
#include "exporter/net/listening.h"
#include "exporter/net/tls_server.h"

namespace pgbeacon::ingest {

/// Bytes of one connection that are taken in one turn.
inline constexpr std::size_t kStreamRead = std::size_t{128} << 10;

/// What all listeners of a thread share.
struct ListenersShared {
  net::any_io_executor executor;
  ListenerLimits limits;
  std::unique_ptr<char[]> buffer;  ///< of whoever has its turn; at least kStreamRead
  std::size_t buffer_size = 0;
  std::size_t connections = 0;
  std::size_t held_bytes = 0;
  std::vector<class StreamListener*> streams;

  void GrowBuffer(std::size_t size) {
    if (size <= buffer_size) return;
    buffer = std::make_unique_for_overwrite<char[]>(size);
    buffer_size = size;
  }
};

class StreamListener final : public Listener {
 public:
  static Result<std::unique_ptr<Listener>> Open(SyslogListenerOptions options, FrameSink& sink,
                                                ListenersShared& shared);
  ~StreamListener() override;

  void Start() override;
  void Tick(TimePoint now) override;
  void Stop() override;
  std::string address() const override { return address_; }
  ListenerStatus status() const override;

  // For connections:
  const SyslogListenerOptions& options() const { return options_; }
  ListenersShared& shared() { return shared_; }
  FrameSink& sink() { return sink_; }
  void HandshakeDone(StreamConnection& connection);
  void HandshakeFailed(StreamConnection& connection, net::TlsFailure failure,
                       const std::string& detail);
  /// The frames that wait for their end take that much memory now. May close connections, the
  /// caller as well.
  void HeldChanged(std::size_t before, std::size_t after);
  /// Closes and forgets it.
  void Remove(StreamConnection& connection, std::optional<Closed> reason);

 private:
  StreamListener(SyslogListenerOptions options, FrameSink& sink, ListenersShared& shared,
                 net::Descriptor socket, std::optional<net::UnixSocket> file,
                 std::optional<net::TlsServer> tls);
  void WaitForConnections();
  void Accept();
  void Take(net::Descriptor socket, std::string peer);
  void OutOfFiles(int code);
  void RefreshCertificate();
  StreamConnection* Largest();

  const SyslogListenerOptions options_;
  const std::string address_;
  FrameSink& sink_;
  ListenersShared& shared_;
  net::asio::posix::stream_descriptor socket_;
  std::optional<net::UnixSocket> file_;
  std::optional<net::TlsServer> tls_;
  std::shared_ptr<bool> running_ = std::make_shared<bool>(false);  // shared with the wait
  std::vector<std::shared_ptr<StreamConnection>> connections_;
  std::list<StreamConnection*> handshakes_;  // the oldest first
  ListenerStatus status_;
  bool paused_ = false;  // no descriptor was free
  bool full_ = false;    // told that there are too many connections
};

}  // namespace pgbeacon::ingest
