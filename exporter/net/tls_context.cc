#include "exporter/net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <new>
#include <string_view>
#include <system_error>

#include "base/shown.h"

namespace pgbeacon::net {
namespace {

constexpr unsigned char kSessionContext[] = "pgbeacon";
constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// A pipe is refused: opening it would wait for a writer.
Owned<BIO> Open(const Pem& pem) {
  if (pem.file.empty()) {
    return Owned<BIO>(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
  }
  struct stat status {};
  if (stat(pem.file.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    ERR_raise_data(ERR_LIB_USER, 1, "expected a regular file");
    return nullptr;
  }
  return Owned<BIO>(BIO_new_file(pem.file.c_str(), "r"));
}

std::string NameOf(const Pem& pem) { return pem.file.empty() ? "" : " " + ShownPath(pem.file); }

/// A key under a passphrase is refused instead of asked for on the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

Owned<X509> NextCertificate(BIO& bio) {
  return Owned<X509>(PEM_read_bio_X509(&bio, nullptr, NoPassphrase, nullptr));
}

bool UseCertificates(SSL_CTX& context, const Pem& pem) {
  const Owned<BIO> bio = Open(pem);
  if (!bio) return false;
  const Owned<X509> own(PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassphrase, nullptr));
  if (!own || SSL_CTX_use_certificate(&context, own.get()) != 1) return false;
  SSL_CTX_clear_chain_certs(&context);
  while (Owned<X509> above = NextCertificate(*bio)) {
    if (SSL_CTX_add0_chain_cert(&context, above.get()) != 1) return false;
    (void)above.release();
  }
  ERR_clear_error();  // the end of the file
  return true;
}

bool UseKey(SSL_CTX& context, const Pem& pem) {
  const Owned<BIO> bio = Open(pem);
  if (!bio) return false;
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  return key && SSL_CTX_use_PrivateKey(&context, key.get()) == 1;
}

bool UseClientAuthorities(SSL_CTX& context, const Pem& pem) {
  const Owned<BIO> bio = Open(pem);
  bool any = false;
  while (bio) {
    const Owned<X509> authority = NextCertificate(*bio);
    if (!authority) break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get()) != 1) return false;
    if (SSL_CTX_add_client_CA(&context, authority.get()) != 1) return false;
    any = true;
  }
  return any;
}

/// Of the protocols that a client offers we have one. Without it the connection goes on as well.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kHttp11.data(), kHttp11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

bool Verifies(ClientAuth auth) {
  return auth == ClientAuth::kVerifyIfGiven || auth == ClientAuth::kRequireAndVerify;
}

/// Clients stay for hours: what resuming a session would save is not worth its memory, nor the
/// tickets that a client which never reads would leave in its socket.
void SetOptions(SSL_CTX& context, const TlsSettings& settings) {
  SSL_CTX_set_min_proto_version(&context, settings.min_version);
  SSL_CTX_set_max_proto_version(&context, settings.max_version);
  SSL_CTX_clear_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (settings.prefer_server_ciphers) {
    SSL_CTX_set_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  SSL_CTX_set_num_tickets(&context, 0);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(&context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(&context, ChooseProtocol, nullptr);
}

int VerifyMode(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kNone:
      return SSL_VERIFY_NONE;
    case ClientAuth::kRequest:
    case ClientAuth::kVerifyIfGiven:
      return SSL_VERIFY_PEER;
    case ClientAuth::kRequireAny:
    case ClientAuth::kRequireAndVerify:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

std::string_view Bytes(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// The name as it is written in a list; empty where it is of a kind that has no place there.
std::string TextOf(const GENERAL_NAME& name) {
  int kind = 0;
  const void* value = GENERAL_NAME_get0_value(&name, &kind);
  const auto* text = static_cast<const ASN1_STRING*>(value);
  if (kind == GEN_DNS || kind == GEN_EMAIL || kind == GEN_URI) return std::string(Bytes(text));
  if (kind != GEN_IPADD) return {};
  const std::string_view address = Bytes(text);
  std::array<char, INET6_ADDRSTRLEN> written{};
  const bool v4 = address.size() == sizeof(in_addr);
  if (!v4 && address.size() != sizeof(in6_addr)) return {};
  inet_ntop(v4 ? AF_INET : AF_INET6, address.data(), written.data(), written.size());
  return written.data();
}

bool BearsOneOf(const X509* certificate, const std::vector<std::string>& names) {
  const Owned<GENERAL_NAMES> own(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(own.get()); ++i) {
    const std::string name = TextOf(*sk_GENERAL_NAME_value(own.get(), i));
    if (!name.empty() && std::ranges::count(names, name) > 0) return true;
  }
  return false;
}

}  // namespace

std::string TakeTlsErrors() {
  const char* data = "";
  const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, nullptr);
  const std::string text = data;
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_GET_LIB(code) == ERR_LIB_USER) return text;
  if (ERR_SYSTEM_ERROR(code)) return std::system_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

void SetUpTlsServer(const TlsSettings& settings, SSL_CTX& context,
                    std::vector<TlsMistake>& mistakes) {
  SetOptions(context, settings);
  const auto fail = [&mistakes](TlsPart part, const std::string& what) {
    mistakes.push_back({part, what + ": " + TakeTlsErrors()});
  };
  const bool certified = UseCertificates(context, settings.cert);
  if (!certified) fail(TlsPart::kCert, "certificate" + NameOf(settings.cert));
  // A key that does not belong to the certificate is refused by one of the two calls, by its type.
  if (!UseKey(context, settings.key)) {
    fail(TlsPart::kKey, "key" + NameOf(settings.key));
  } else if (certified && SSL_CTX_check_private_key(&context) != 1) {
    ERR_clear_error();
    mistakes.push_back({TlsPart::kKey, "key" + NameOf(settings.key) +
                                           ": key values mismatch with certificate" +
                                           NameOf(settings.cert)});
  }
  const char* ciphers = settings.ciphers.c_str();
  const char* tls13_ciphers = settings.tls13_ciphers.c_str();
  const char* curves = settings.curves.c_str();
  if (*ciphers != 0 && SSL_CTX_set_cipher_list(&context, ciphers) != 1) {
    fail(TlsPart::kCiphers, "ciphers");
  }
  if (*tls13_ciphers != 0 && SSL_CTX_set_ciphersuites(&context, tls13_ciphers) != 1) {
    fail(TlsPart::kCiphers, "ciphers");
  }
  if (*curves != 0 && SSL_CTX_set1_curves_list(&context, curves) != 1) {
    fail(TlsPart::kCurves, "curves");
  }
  SSL_CTX_set_verify(&context, VerifyMode(settings.client_auth), nullptr);
  if (settings.client_ca.empty()) {
    if (Verifies(settings.client_auth)) SSL_CTX_set_default_verify_paths(&context);
  } else if (!UseClientAuthorities(context, settings.client_ca)) {
    fail(TlsPart::kClientCa, "client_ca" + NameOf(settings.client_ca));
  }
  ERR_clear_error();
}

double NotAfter(const SSL_CTX& context) {
  const X509* certificate = SSL_CTX_get0_certificate(&context);
  std::tm broken{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken) != 1) {
    return 0;
  }
  return static_cast<double>(timegm(&broken));
}

TlsContext::TlsContext(const TlsSettings& settings)
    : context_(SSL_CTX_new(TLS_server_method())),
      verifies_(Verifies(settings.client_auth)),
      client_sans_(settings.client_sans) {
  if (context_ == nullptr) throw std::bad_alloc();
  SSL_CTX_set_cert_verify_callback(context_, Verify, this);
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

TlsContext::Ptr TlsContext::Make(const TlsSettings& settings, std::vector<TlsMistake>& mistakes) {
  ERR_clear_error();
  const std::shared_ptr<TlsContext> made(new TlsContext(settings));
  const std::size_t before = mistakes.size();
  SetUpTlsServer(settings, *made->context_, mistakes);
  return mistakes.size() == before ? made : nullptr;
}

int TlsContext::Verify(X509_STORE_CTX* store, void* context) {
  const TlsContext& own = *static_cast<const TlsContext*>(context);
  if (own.verifies_ && X509_verify_cert(store) != 1) return 0;
  if (own.client_sans_.empty()) return 1;
  if (BearsOneOf(X509_STORE_CTX_get0_cert(store), own.client_sans_)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

SSL* TlsContext::NewSession() const {
  ERR_clear_error();
  return SSL_new(context_);
}

}  // namespace pgbeacon::net
