// The certificate that a server has shown at a connect.
//
// Example:
//   std::optional<double> until = CertificateNotAfter(conn);   // seconds since the epoch
#pragma once

#include <libpq-fe.h>

#include <optional>

namespace pgbeacon::pg {

/// When it expires; nothing without TLS.
std::optional<double> CertificateNotAfter(PGconn* conn);

}  // namespace pgbeacon::pg
