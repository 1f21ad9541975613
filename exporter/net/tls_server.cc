#include "exporter/net/tls_server.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

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

constexpr unsigned char kSessionContext[] = "pgbeacon";

/// The text of OpenSSL's oldest queued error; empties the queue.
std::string TakeErrors() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::system_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Error Unusable(const std::string& what, const std::string& file) {
  return Error(ErrorCode::kInvalid, "TLS " + what + " " + file + ": " + TakeErrors());
}

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

double UnixTime(const ASN1_TIME* time) {
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) return 0;
  return static_cast<double>(timegm(&broken));
}

/// Senders stay for hours: what resuming a session would save is not worth its memory, nor the
/// tickets that a sender which never reads would leave in its socket.
void SetUp(SSL_CTX& context) {
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(&context, 0);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
  // A key under a passphrase is refused instead of asked for on the terminal.
  SSL_CTX_set_default_passwd_cb(&context, [](char*, int, int, void*) { return 0; });
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
      detail_ = TakeErrors();
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
  if (!context) return Error(ErrorCode::kInternal, "TLS: " + TakeErrors());
  SetUp(*context);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files_.cert.c_str()) != 1) {
    return Unusable("certificate", files_.cert);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files_.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Unusable("key", files_.key);
  }
  // A key of another type than the certificate's is taken without a look at the certificate.
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    ERR_clear_error();
    return Error(ErrorCode::kInvalid,
                 "TLS key " + files_.key + ": key values mismatch with certificate " + files_.cert);
  }
  if (!files_.client_ca.empty()) {
    const char* authorities = files_.client_ca.c_str();
    if (SSL_CTX_load_verify_file(context.get(), authorities) != 1) {
      return Unusable("client_ca", files_.client_ca);
    }
    SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(authorities));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  not_after_ = UnixTime(X509_get0_notAfter(SSL_CTX_get0_certificate(context.get())));
  context_ = std::move(context);
  return {};
}

std::string TlsServer::Stamp() const {
  std::string stamp;
  for (const std::string* file : {&files_.cert, &files_.key, &files_.client_ca}) {
    struct stat found {};
    if (file->empty() || stat(file->c_str(), &found) != 0) continue;
    for (const auto part :
         {static_cast<std::int64_t>(found.st_ino), static_cast<std::int64_t>(found.st_size),
          static_cast<std::int64_t>(found.st_mtim.tv_sec),
          static_cast<std::int64_t>(found.st_mtim.tv_nsec)}) {
      stamp += std::to_string(part) + " ";
    }
  }
  return stamp;
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
  if (bio == nullptr) return Error(ErrorCode::kInternal, "TLS: " + TakeErrors());
  BIO_set_data(bio, session.wire_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session.session_.get(), bio, bio);
  return session;
}

}  // namespace pgbeacon::net
