#include "exporter/net/tls_client.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/shown.h"
#include "exporter/net/read_ends.h"

namespace pgbeacon::net {
namespace {

Status SetUpTls(const ClientTls& tls, asio::ssl::context& context) {
  error_code error;
  const auto wrong = [&error](const std::string& what) {
    return Error(ErrorCode::kInvalid, what + ": " + error.message());
  };
  for (const std::string* file : {&tls.ca_file, &tls.cert_file, &tls.key_file}) {
    const Status ends = file->empty() ? Status() : CheckReadEnds(*file, ShownPath(*file));
    if (!ends.ok()) return ends;
  }
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

Result<ClientTlsContext> Open(const ClientTls& tls) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  const Status ready = SetUpTls(tls, *context);
  if (!ready.ok()) return ready.error();
  return context;
}

}  // namespace

awaitable<Result<ClientTlsContext>> OpenClientTls(BlockingPool& pool, SharedCalls& calls,
                                                  ClientTls tls, TimePoint deadline) {
  const std::string key = "tls " + tls.ca_file + "\n" + tls.cert_file + "\n" + tls.key_file +
                          (tls.verify ? "" : "\nunverified");
  const std::string first = tls.ca_file.empty() ? tls.cert_file : tls.ca_file;
  const auto open = [tls] { return Open(tls); };
  const std::optional<Result<ClientTlsContext>> opened =
      co_await calls.Run(pool, key, open, deadline);
  if (!opened) {
    const std::string what = first.empty() ? "the system's authorities" : ShownPath(first);
    co_return Error(ErrorCode::kTimeout, "no answer from the file system of " + what);
  }
  co_return *opened;
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
