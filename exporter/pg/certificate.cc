#include "exporter/pg/certificate.h"

#include <openssl/asn1.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace pgbeacon::pg {
namespace {

struct X509Free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

}  // namespace

std::optional<double> CertificateNotAfter(PGconn* conn) {
  auto* ssl = static_cast<SSL*>(PQsslStruct(conn, "OpenSSL"));
  if (ssl == nullptr) return std::nullopt;
  const std::unique_ptr<X509, X509Free> certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return std::nullopt;
  std::tm utc{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &utc) != 1) return std::nullopt;
  return static_cast<double>(timegm(&utc));
}

}  // namespace pgbeacon::pg
