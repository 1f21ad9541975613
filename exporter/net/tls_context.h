// TlsContext: what the TLS connections of one listener have in common: certificate, versions,
// ciphers, and what is asked of clients.
//
// Example:
//   std::vector<TlsMistake> mistakes;
//   TlsSettings settings;
//   settings.cert.file = "server.crt";
//   settings.key.file = "server.key";
//   TlsContext::Ptr context = TlsContext::Make(settings, mistakes);
//   if (!context) Tell(mistakes);
//   SSL* session = context->NewSession();
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pgbeacon::net {

/// PEM, from a file or as it stands here.
struct Pem {
  std::string file;
  std::string text;
  bool empty() const { return file.empty() && text.empty(); }
};

/// What is asked of clients.
enum class ClientAuth : std::uint8_t {
  kNone,
  kRequest,           ///< a certificate, of any authority; none will do
  kRequireAny,        ///< a certificate, of any authority
  kVerifyIfGiven,     ///< none, or one that an authority vouches for
  kRequireAndVerify,  ///< one that an authority vouches for
};

struct TlsSettings {
  Pem cert;  ///< the server's certificate and the chain above it
  Pem key;   ///< its private key; not under a passphrase
  ClientAuth client_auth = ClientAuth::kNone;
  Pem client_ca;  ///< authorities of clients' certificates; empty: the system's
  /// A client's certificate has to bear one of these (DNS, IP, e-mail or URI); empty: any.
  std::vector<std::string> client_sans;
  std::string ciphers;        ///< of TLS 1.2, as OpenSSL lists them; empty: OpenSSL's own
  std::string tls13_ciphers;  ///< the same of TLS 1.3
  std::string curves;         ///< as OpenSSL lists them; empty: OpenSSL's own
  int min_version = TLS1_2_VERSION;
  int max_version = 0;  ///< 0: the latest
  bool prefer_server_ciphers = true;
};

enum class TlsPart : std::uint8_t { kCert, kKey, kClientCa, kCiphers, kCurves };
struct TlsMistake {
  TlsPart part = TlsPart::kCert;
  std::string message;  ///< "certificate server.crt: No such file or directory"
};

/// Puts all but `client_sans` into a server's context. Mistakes are appended.
void SetUpTlsServer(const TlsSettings& settings, SSL_CTX& context,
                    std::vector<TlsMistake>& mistakes);

/// When the context's certificate ends, in seconds since the epoch; 0 without one.
double NotAfter(const SSL_CTX& context);

class TlsContext {
 public:
  using Ptr = std::shared_ptr<const TlsContext>;

  /// Null where there are mistakes, all of which are appended.
  static Ptr Make(const TlsSettings& settings, std::vector<TlsMistake>& mistakes);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// The caller's, which the context has to outlive; null where memory is short.
  SSL* NewSession() const;

  double not_after() const { return NotAfter(*context_); }

 private:
  explicit TlsContext(const TlsSettings& settings);
  static int Verify(X509_STORE_CTX* store, void* context);

  SSL_CTX* const context_;
  const bool verifies_;
  const std::vector<std::string> client_sans_;
};

/// The text of OpenSSL's oldest queued error; empties the queue.
std::string TakeTlsErrors();

}  // namespace pgbeacon::net
