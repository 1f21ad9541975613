#include "exporter/ingest/stream_connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "exporter/ingest/stream_listener.h"

namespace pgbeacon::ingest {

using Socket = net::asio::posix::stream_descriptor;

namespace {

/// What OpenSSL allocates for a record, however little of it has come.
constexpr std::size_t kRecord = 16'704;

}  // namespace

StreamConnection::StreamConnection(StreamListener& listener, net::Descriptor socket,
                                   std::string peer, std::unique_ptr<net::TlsSession> tls)
    : listener_(listener),
      socket_(listener.shared().executor, socket.Release()),
      tls_(std::move(tls)),
      peer_(std::move(peer)),
      framer_(listener.options().most_frame),
      touched_(SteadyClock::now()),
      shaking_hands_(tls_ != nullptr) {}

void StreamConnection::Start() { Wait(Socket::wait_read); }

void StreamConnection::Close() {
  if (closed_) return;
  closed_ = true;
  framer_.Finish(
      [this](std::string_view frame, bool cut) { listener_.sink().TakeFrame(frame, peer_, cut); });
  TellBadFrames();
  if (tls_) tls_->Close();
  net::error_code ignored;
  socket_.close(ignored);
}

void StreamConnection::Wait(Socket::wait_type type) {
  socket_.async_wait(type, [self = shared_from_this()](const net::error_code& error) {
    if (error != net::asio::error::operation_aborted && !self->closed_) self->Turn();
  });
}

/// One read, so that a sender that never pauses holds up nobody.
void StreamConnection::Turn() {
  if (shaking_hands_) {
    ShakeHands();
  } else if (tls_) {
    ReadTls();
  } else {
    ReadPlain();
  }
}

void StreamConnection::ShakeHands() {
  const net::TlsTurn turn = tls_->Handshake();
  switch (turn) {
    case net::TlsTurn::kDone:
      shaking_hands_ = false;
      listener_.HandshakeDone(*this);
      ReadTls();  // what came with the end of the handshake
      break;
    case net::TlsTurn::kWantRead:
    case net::TlsTurn::kWantWrite:
      WaitFor(turn);
      break;
    case net::TlsTurn::kClosed:
    case net::TlsTurn::kFailed:
      listener_.HandshakeFailed(*this, tls_->failure(), tls_->detail());
      break;
  }
}

void StreamConnection::WaitFor(net::TlsTurn turn) {
  Wait(turn == net::TlsTurn::kWantWrite ? Socket::wait_write : Socket::wait_read);
}

void StreamConnection::ReadPlain() {
  char* const buffer = listener_.shared().buffer.get();
  const ssize_t got = recv(socket_.native_handle(), buffer, kStreamRead, 0);
  if (got > 0) {
    Take({buffer, static_cast<std::size_t>(got)});
    TellHeld();
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    End();
  }
  if (!closed_) Wait(Socket::wait_read);
}

void StreamConnection::ReadTls() {
  char* const buffer = listener_.shared().buffer.get();
  std::size_t size = 0;
  net::TlsTurn turn = net::TlsTurn::kDone;
  while (turn == net::TlsTurn::kDone && size < kStreamRead) {
    std::size_t got = 0;
    turn = tls_->Read(buffer + size, kStreamRead - size, got);
    if (turn == net::TlsTurn::kDone) size += got;
  }
  if (size > 0) Take({buffer, size});
  // An idle sender's record that comes in two pieces is not as old as the one before.
  const bool begun = std::exchange(unread_, tls_->unread()) == 0 && unread_ > 0;
  if (begun) touched_ = SteadyClock::now();
  TellHeld();
  if (closed_) return;
  switch (turn) {
    case net::TlsTurn::kDone:  // OpenSSL may hold more, of which the socket knows nothing
      net::asio::post(listener_.shared().executor, [self = shared_from_this()] {
        if (!self->closed_) self->Turn();
      });
      break;
    case net::TlsTurn::kWantRead:
    case net::TlsTurn::kWantWrite:
      WaitFor(turn);
      break;
    case net::TlsTurn::kClosed:
      End();
      break;
    case net::TlsTurn::kFailed:
      if (tls_->failure() == net::TlsFailure::kClosed) {
        End();
      } else {
        listener_.Remove(*this, Closed::kTls);
      }
      break;
  }
}

void StreamConnection::Take(std::string_view bytes) {
  touched_ = SteadyClock::now();
  framer_.Push(bytes, [this](std::string_view frame, bool cut) {
    listener_.sink().TakeFrame(frame, peer_, cut);
  });
  TellBadFrames();
}

/// May close the connection.
void StreamConnection::TellHeld() {
  const std::size_t before = std::exchange(held_, framer_.held() + (unread_ > 0 ? kRecord : 0));
  if (held_ != before) listener_.HeldChanged(before, held_);
}

void StreamConnection::TellBadFrames() {
  const std::uint64_t told = std::exchange(bad_frames_, framer_.bad_frames());
  if (bad_frames_ != told) listener_.sink().CountBadFrames(bad_frames_ - told);
}

void StreamConnection::End() { listener_.Remove(*this, std::nullopt); }

}  // namespace pgbeacon::ingest
