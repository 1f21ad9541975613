// Waiting for libpq's socket on the I/O thread. libpq owns the descriptor; it is lent to the
// reactor and taken back before libpq may close it.
//
// Example:
//   socket.Assign(PQsocket(conn));
//   const Wake wake = co_await socket.Wait(true, unsent, deadline);
//   socket.Release();   // before PQconnectPoll and PQfinish
#pragma once

#include <memory>

#include "base/clock.h"
#include "exporter/net/asio.h"

namespace pgbeacon::pg {

enum class Wake { kReady, kDeadline, kStopped };

class Socket {
 public:
  explicit Socket(net::any_io_executor executor);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { Release(); }

  /// False when the reactor cannot watch the descriptor.
  bool Assign(int descriptor);
  void Release();

  /// Until the descriptor can be read (or has failed), can be written, or the deadline. At most
  /// one Wait at a time.
  net::awaitable<Wake> Wait(bool read, bool write, TimePoint deadline);

  /// Ends the present wait and every later one with kStopped.
  void Stop();

  const net::any_io_executor& executor() const { return executor_; }

 private:
  /// One wait; shared with the reactor's handlers, which run after it when it is cut short.
  struct Turn;

  net::any_io_executor executor_;
  net::asio::posix::stream_descriptor descriptor_;
  std::shared_ptr<Turn> turn_;
  bool stopped_ = false;
};

}  // namespace pgbeacon::pg
