// Why a server is up or not: the states of pg_up_reason, and which of them a failed connect means.
//
// Example:
//   UpReason reason = ReasonOf(error);   // FATAL 28P01 -> kAuthFailed
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pgbeacon::pg {

enum class UpReason {
  kOk,
  kStartingUp,    ///< 57P03: start or crash recovery; it will come up by itself
  kInShutdown,    ///< 57P03 or 57P01
  kNotAccepting,  ///< 57P03 or 55000 for another cause: hot standby off, ALLOW_CONNECTIONS off
  kTooManyConnections,  ///< 53300, also of a pooler, a role or a database
  kAuthFailed,          ///< 28P01, 28000, 42501 (no CONNECT), a pooler's "not allowed", no password
                        ///< to give, unreadable credential file
  kHbaRejected,         ///< 28000 by pg_hba.conf
  kDatabaseMissing,     ///< 3D000
  kDns,
  kTls,
  kUnreachable,  ///< refused, no route, no socket, closed by the peer
  kTimeout,
  kSuperuserRefused,
  kBreakerOpen,
  kOther,  ///< e.g. what answers is no PostgreSQL
};

inline constexpr std::array kUpReasons = {UpReason::kOk,
                                          UpReason::kStartingUp,
                                          UpReason::kInShutdown,
                                          UpReason::kNotAccepting,
                                          UpReason::kTooManyConnections,
                                          UpReason::kAuthFailed,
                                          UpReason::kHbaRejected,
                                          UpReason::kDatabaseMissing,
                                          UpReason::kDns,
                                          UpReason::kTls,
                                          UpReason::kUnreachable,
                                          UpReason::kTimeout,
                                          UpReason::kSuperuserRefused,
                                          UpReason::kBreakerOpen,
                                          UpReason::kOther};

/// The label value, e.g. "too_many_connections".
const char* UpReasonName(UpReason reason);

/// The reason that an Error of connecting or of the base query stands for: by SQLSTATE, then by
/// what cannot be told apart by it, then by libpq's own words.
UpReason ReasonOf(const Error& error);

/// The Error behind a failed connect. `message` is libpq's, made with PQERRORS_VERBOSE: libpq 15
/// keeps no SQLSTATE of a failed connect elsewhere. libpq's own words are English because nothing
/// in pgbeacon calls setlocale(); the server's may be in any language.
Error ConnectError(std::string_view message);

/// The code of an Error that has this SQLSTATE.
ErrorCode CodeOfSqlstate(std::string_view sqlstate);

/// The reason label of a collector that failed with this Error: timeout, lock_timeout, permission,
/// syntax (the SQL does not fit the server), connection or other.
std::string FailureLabel(const Error& error);

}  // namespace pgbeacon::pg
