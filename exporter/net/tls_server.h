// TLS for connections that others open (TLS 1.2 and later, OpenSSL), on non-blocking sockets:
// whoever uses it waits for the socket.
//
// Example:
//   Result<TlsServer> server = TlsServer::Open({.cert = "server.crt", .key = "server.key"});
//   TlsSession session = server->Accept(socket);
//   if (session.Handshake() == TlsTurn::kWantRead) ...   // again when the socket is readable
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

using SSL_CTX = struct ssl_ctx_st;
using SSL = struct ssl_st;

namespace pgbeacon::net {

struct TlsWire;

/// Names of PEM files.
struct TlsFiles {
  std::string cert;       ///< the server's certificate and the chain above it
  std::string key;        ///< its private key; not under a passphrase
  std::string client_ca;  ///< authorities of clients' certificates; empty: clients need none
};

/// Why a handshake failed (label `reason`).
enum class TlsFailure : std::uint8_t {
  kTimeout,         ///< took too long
  kCrowded,         ///< the oldest of too many at once
  kClosed,          ///< the client went away
  kNoCertificate,   ///< the client gave none
  kBadCertificate,  ///< no authority of client_ca vouches for the client's
  kProtocol,        ///< no TLS, or no version or cipher in common
  kRejected,        ///< the client did not like us: an alert of its own
  kOther,
};
inline constexpr int kTlsFailures = 8;
inline constexpr std::array<std::string_view, kTlsFailures> kTlsFailureNames = {
    "timeout",         "crowded",  "closed",   "no_certificate",
    "bad_certificate", "protocol", "rejected", "other"};

enum class TlsTurn : std::uint8_t {
  kDone,
  kWantRead,   ///< again when the socket is readable
  kWantWrite,  ///< again when the socket is writable
  kClosed,     ///< the other side is gone
  kFailed,     ///< failure() and detail() tell why
};

/// One connection; borrows the socket.
class TlsSession {
 public:
  TlsTurn Handshake();
  /// kDone: `got` bytes, at least one.
  TlsTurn Read(char* buffer, std::size_t size, std::size_t& got);
  /// Tells the other side that nothing more will be read, if it is there to listen.
  void Close();

  /// Bytes of a TLS record that has not come whole: OpenSSL keeps them and gives none of them out.
  std::size_t unread() const;

  TlsFailure failure() const { return failure_; }
  const std::string& detail() const { return detail_; }

 private:
  friend class TlsServer;
  struct Free {
    void operator()(SSL* session) const;
    void operator()(TlsWire* wire) const;
  };

  TlsSession(SSL* session, int socket);
  TlsTurn TurnAfter(int result);

  std::unique_ptr<TlsWire, Free> wire_;  // the session reads from it
  std::unique_ptr<SSL, Free> session_;
  TlsFailure failure_ = TlsFailure::kOther;
  std::string detail_;
};

/// The certificate and what is asked of clients.
class TlsServer {
 public:
  /// The error names the file.
  static Result<TlsServer> Open(TlsFiles files);

  /// Takes over files that have changed. An error is told once for each change of the files; what
  /// was there before stays in use. Whether there was anything new.
  Result<bool> Refresh();

  /// The socket is connected and non-blocking and lives as long as the session.
  Result<TlsSession> Accept(int socket) const;

  /// When the certificate ends, in seconds since the epoch.
  double not_after() const { return not_after_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const;
  };

  explicit TlsServer(TlsFiles files) : files_(std::move(files)) {}
  Status Load();
  /// Changes when one of the files does.
  std::string Stamp() const;

  TlsFiles files_;
  std::string stamp_;
  std::unique_ptr<SSL_CTX, Free> context_;
  double not_after_ = 0;
};

}  // namespace pgbeacon::net
