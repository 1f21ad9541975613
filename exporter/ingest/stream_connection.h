// StreamConnection: one sender's connection, plain or TLS. It owns no buffer: while nothing comes
// it costs its descriptor and a few hundred bytes (with TLS the 15 kB that OpenSSL keeps).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "exporter/net/asio.h"
#include "exporter/net/descriptor.h"
#include "exporter/net/tls_server.h"
#include "logparse/transport/framer.h"

namespace pgbeacon::ingest {

class StreamListener;

/// Shared with the waits that are under way; touches its listener only until it is closed.
class StreamConnection : public std::enable_shared_from_this<StreamConnection> {
 public:
  /// `tls` borrows the socket and may be null.
  StreamConnection(StreamListener& listener, net::Descriptor socket, std::string peer,
                   std::unique_ptr<net::TlsSession> tls);

  void Start();
  /// Hands on what came of the last frame and ends the connection. Takes itself off no list.
  void Close();

  const std::string& peer() const { return peer_; }
  bool shaking_hands() const { return shaking_hands_; }
  /// Memory of a frame or TLS record that has not come whole, as the listener was told.
  std::size_t held() const { return held_; }
  bool unfinished() const { return framer_.open() || unread_ > 0; }
  TimePoint touched() const { return touched_; }

  std::size_t index = 0;                             ///< in the listener's list
  std::list<StreamConnection*>::iterator handshake;  ///< in the listener's list of those

 private:
  void WaitFor(net::TlsTurn turn);
  void Wait(net::asio::posix::stream_descriptor::wait_type type);
  void Turn();
  void ShakeHands();
  void ReadPlain();
  void ReadTls();
  void Take(std::string_view bytes);
  void TellBadFrames();
  void TellHeld();
  void End();

  StreamListener& listener_;
  net::asio::posix::stream_descriptor socket_;
  std::unique_ptr<net::TlsSession> tls_;
  std::string peer_;
  log::Framer framer_;
  TimePoint touched_;
  std::uint64_t bad_frames_ = 0;  // that were told
  std::size_t held_ = 0;          // that was told
  std::size_t unread_ = 0;        // bytes of a TLS record that has not come whole
  bool shaking_hands_;
  bool closed_ = false;
};

}  // namespace pgbeacon::ingest
