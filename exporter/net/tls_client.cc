#include "exporter/net/tls_client.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace pgbeacon::net {

Status SetUpTls(const ClientTls& tls, asio::ssl::context& context) {
  error_code error;
  const auto wrong = [&error](const std::string& what) {
    return Error(ErrorCode::kInvalid, what + ": " + error.message());
  };
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(tls.verify ? asio::ssl::verify_peer : asio::ssl::verify_none, error);
  if (tls.verify && tls.ca_file.empty()) context.set_default_verify_paths(error);
  if (tls.verify && !tls.ca_file.empty()) context.load_verify_file(tls.ca_file, error);
  if (error) return wrong("CA file " + tls.ca_file);
  if (tls.cert_file.empty()) return {};
  context.use_certificate_chain_file(tls.cert_file, error);
  if (error) return wrong("certificate " + tls.cert_file);
  const std::string& key = tls.key_file.empty() ? tls.cert_file : tls.key_file;
  context.use_private_key_file(key, asio::ssl::context::pem, error);
  if (error) return wrong("key " + key);
  return {};
}

void ExpectHost(const std::string& host, SSL& session) {
  error_code error;
  asio::ip::make_address(host, error);
  if (!error) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(&session), host.c_str());
    return;
  }
  SSL_set1_host(&session, host.c_str());
  SSL_set_tlsext_host_name(&session, host.c_str());
}

std::string WhyUntrusted(const SSL& session) {
  const long verdict = SSL_get_verify_result(&session);
  return verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict);
}

}  // namespace pgbeacon::net
