// ClientTls: what TLS needs to know for connections that we open. Apart from tls_client.h, which
// uses it, so that plain options need no OpenSSL.
//
// Example:
//   ClientTls tls;
//   tls.ca_file = "ca.pem";
#pragma once

#include <string>

namespace pgbeacon::net {

/// Names of PEM files.
struct ClientTls {
  std::string ca_file;    ///< empty: the system's authorities
  std::string cert_file;  ///< our certificate and the chain above it; empty: none
  std::string key_file;   ///< empty: in cert_file
  bool verify = true;     ///< the chain and the host's name
};

}  // namespace pgbeacon::net
