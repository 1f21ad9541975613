#include "exporter/net/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "exporter/net/file_stamp.h"
#include "exporter/net/tls_context.h"

namespace pgbeacon::net {

/// The socket that OpenSSL reads from, and how far the record has come that it reads.
struct TlsWire {
  static constexpr std::size_t kHeader = 5;  // type, version, length of the rest

  int socket = -1;
  std::size_t unread = 0;
  std::size_t size = 0;  // of the record, once its header is there

  void Follow(const char* bytes, std::size_t count) {
    while (count > 0) {
      std::size_t step = 1;
      if (unread < kHeader) {
        size = (size << 8 | static_cast<unsigned char>(*bytes)) & 0xFFFF;
        if (++unread == kHeader) size += kHeader;
      } else {
        step = std::min(count, size - unread);
        unread += step;
      }
      if (unread >= kHeader && unread == size) unread = 0;
      bytes += step;
      count -= step;
    }
  }
};

namespace {

TlsFailure FailureOf(unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return TlsFailure::kOther;
  const int reason = ERR_GET_REASON(code);
  if (reason >= SSL_AD_REASON_OFFSET) return TlsFailure::kRejected;
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsFailure::kNoCertificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return TlsFailure::kBadCertificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return TlsFailure::kClosed;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_RECORD_LENGTH_MISMATCH:
      return TlsFailure::kProtocol;
    default:
      return TlsFailure::kOther;
  }
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a client that is gone would raise SIGPIPE.
TlsWire& WireOf(BIO* bio) { return *static_cast<TlsWire*>(BIO_get_data(bio)); }

int SendBytes(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent =
      send(WireOf(bio).socket, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int ReceiveBytes(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = recv(WireOf(bio).socket, bytes, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (got > 0) WireOf(bio).Follow(bytes, static_cast<std::size_t>(got));
  return static_cast<int>(got);
}

long Control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Lives as long as the program, as OpenSSL's own methods do.
const BIO_METHOD* SocketMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, SendBytes);
    BIO_meth_set_read(made, ReceiveBytes);
    BIO_meth_set_ctrl(made, Control);
    return made;
  }();
  return method;
}

}  // namespace

void TlsSession::Free::operator()(SSL* session) const { SSL_free(session); }
void TlsSession::Free::operator()(TlsWire* wire) const { delete wire; }
void TlsServer::Free::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

TlsSession::TlsSession(SSL* session, int socket)
    : wire_(new TlsWire{.socket = socket}), session_(session) {}

std::size_t TlsSession::unread() const { return wire_->unread; }

TlsTurn TlsSession::TurnAfter(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return TlsTurn::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return TlsTurn::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      failure_ = TlsFailure::kClosed;
      return TlsTurn::kClosed;
    case SSL_ERROR_SYSCALL:
      failure_ = TlsFailure::kClosed;
      detail_ = "connection closed";
      ERR_clear_error();
      return TlsTurn::kFailed;
    default:
      failure_ = FailureOf(ERR_peek_error());
      detail_ = TakeTlsErrors();
      if (failure_ == TlsFailure::kBadCertificate) {
        detail_ = X509_verify_cert_error_string(SSL_get_verify_result(session_.get()));
      }
      return TlsTurn::kFailed;
  }
}

TlsTurn TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_accept(session_.get());
  return result == 1 ? TlsTurn::kDone : TurnAfter(result);
}

TlsTurn TlsSession::Read(char* buffer, std::size_t size, std::size_t& got) {
  ERR_clear_error();
  const int result = SSL_read_ex(session_.get(), buffer, size, &got);
  return result == 1 ? TlsTurn::kDone : TurnAfter(result);
}

void TlsSession::Close() {
  ERR_clear_error();
  if (SSL_is_init_finished(session_.get()) == 1) SSL_shutdown(session_.get());
  ERR_clear_error();
}

Result<TlsServer> TlsServer::Open(TlsFiles files) {
  TlsServer server(std::move(files));
  server.stamp_ = server.Stamp();
  const Status loaded = server.Load();
  if (!loaded.ok()) return loaded.error();
  return server;
}

Status TlsServer::Load() {
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_server_method()));
  if (!context) return Error(ErrorCode::kInternal, "TLS: " + TakeTlsErrors());
  TlsSettings settings;
  settings.cert.file = files_.cert;
  settings.key.file = files_.key;
  settings.client_ca.file = files_.client_ca;
  if (!files_.client_ca.empty()) settings.client_auth = ClientAuth::kRequireAndVerify;
  std::vector<TlsMistake> mistakes;
  SetUpTlsServer(settings, *context, mistakes);
  if (!mistakes.empty()) return Error(ErrorCode::kInvalid, "TLS " + mistakes.front().message);
  not_after_ = NotAfter(*context);
  context_ = std::move(context);
  return {};
}

std::string TlsServer::Stamp() const {
  return FileStamp(files_.cert) + FileStamp(files_.key) + FileStamp(files_.client_ca);
}

Result<bool> TlsServer::Refresh() {
  std::string stamp = Stamp();
  if (stamp == stamp_) return false;
  stamp_ = std::move(stamp);
  const Status loaded = Load();
  if (!loaded.ok()) return loaded.error();
  return true;
}

Result<TlsSession> TlsServer::Accept(int socket) const {
  ERR_clear_error();
  TlsSession session(SSL_new(context_.get()), socket);
  BIO* bio = session.session_ ? BIO_new(SocketMethod()) : nullptr;
  if (bio == nullptr) return Error(ErrorCode::kInternal, "TLS: " + TakeTlsErrors());
  BIO_set_data(bio, session.wire_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session.session_.get(), bio, bio);
  return session;
}

}  // namespace pgbeacon::net
