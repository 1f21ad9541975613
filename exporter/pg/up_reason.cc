#include "exporter/pg/up_reason.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "base/text.h"

namespace pgbeacon::pg {
namespace {

bool HasAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(
      parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

/// The five characters of "FATAL:  28P01: ..." in any language of the severity, or "".
std::string_view SqlstateIn(std::string_view line) {
  for (std::size_t at = line.find(":  "); at != std::string_view::npos;
       at = line.find(":  ", at + 1)) {
    const std::string_view code = line.substr(at + 3, 5);
    const bool state = code.size() == 5 && std::ranges::all_of(code, [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                       });
    if (state && line.substr(at + 8, 2) == ": ") return code;
  }
  return {};
}

UpReason ReasonOfCannotConnectNow(std::string_view message) {
  if (HasAny(message, {"starting up", "in recovery mode"})) return UpReason::kStartingUp;
  if (HasAny(message, {"shutting down"})) return UpReason::kInShutdown;
  return UpReason::kNotAccepting;
}

UpReason ReasonOfSqlstate(std::string_view sqlstate, std::string_view message) {
  if (sqlstate == "57P03") return ReasonOfCannotConnectNow(message);
  if (sqlstate == "57P01") return UpReason::kInShutdown;
  if (sqlstate == "57P02") return UpReason::kStartingUp;
  if (sqlstate == "55000") return UpReason::kNotAccepting;
  if (sqlstate == "53300") return UpReason::kTooManyConnections;
  if (sqlstate == "3D000") return UpReason::kDatabaseMissing;
  if (sqlstate == "28000" && HasAny(message, {"pg_hba.conf"})) return UpReason::kHbaRejected;
  if (sqlstate.starts_with("28") || sqlstate == "42501") return UpReason::kAuthFailed;
  if (sqlstate == "57014") return UpReason::kTimeout;
  if (sqlstate == "08P01") {  // a pooler's every complaint
    if (HasAny(message, {"no more connections allowed", "too many"})) {
      return UpReason::kTooManyConnections;
    }
    if (HasAny(message, {"no such database"})) return UpReason::kDatabaseMissing;
    if (HasAny(message, {"no such user", "authentication failed", "auth failed", "not allowed",
                         "access needed", "login rejected"})) {
      return UpReason::kAuthFailed;
    }
    if (HasAny(message, {"SSL required", "TLS required"})) return UpReason::kTls;
    if (HasAny(message, {"does not allow connections", "is disabled", "is paused"})) {
      return UpReason::kNotAccepting;
    }
    if (HasAny(message, {"shutting down"})) return UpReason::kInShutdown;
    if (HasAny(message, {"timeout"})) return UpReason::kTimeout;
  }
  if (sqlstate.starts_with("08")) return UpReason::kUnreachable;
  return UpReason::kOther;
}

UpReason ReasonOfWords(std::string_view message) {
  // What answers there does not speak PostgreSQL's protocol.
  if (HasAny(message, {"expected authentication request from server, but received",
                       "received invalid response to SSL negotiation",
                       "received invalid response to GSSAPI negotiation"})) {
    return UpReason::kOther;
  }
  if (HasAny(message, {"could not translate host name", "could not parse network address"})) {
    return UpReason::kDns;
  }
  if (HasAny(message, {"SSL", "certificate", "channel binding required"})) return UpReason::kTls;
  if (HasAny(message, {"no password supplied", "authentication", "SCRAM", "GSSAPI"})) {
    return UpReason::kAuthFailed;
  }
  if (HasAny(message, {"timeout expired", "timed out"})) return UpReason::kTimeout;
  if (HasAny(message,
             {"refused", "No such file", "unreachable", "No route", "closed the connection",
              "reset by peer", "Broken pipe", "could not connect", "no connection to the server",
              "could not receive", "could not send", "is not a directory", "Permission denied"})) {
    return UpReason::kUnreachable;
  }
  return UpReason::kOther;
}

}  // namespace

const char* UpReasonName(UpReason reason) {
  switch (reason) {
    case UpReason::kOk:
      return "ok";
    case UpReason::kStartingUp:
      return "starting_up";
    case UpReason::kInShutdown:
      return "in_shutdown";
    case UpReason::kNotAccepting:
      return "not_accepting";
    case UpReason::kTooManyConnections:
      return "too_many_connections";
    case UpReason::kAuthFailed:
      return "auth_failed";
    case UpReason::kHbaRejected:
      return "hba_rejected";
    case UpReason::kDatabaseMissing:
      return "database_missing";
    case UpReason::kDns:
      return "dns";
    case UpReason::kTls:
      return "tls";
    case UpReason::kUnreachable:
      return "unreachable";
    case UpReason::kTimeout:
      return "timeout";
    case UpReason::kSuperuserRefused:
      return "superuser_refused";
    case UpReason::kBreakerOpen:
      return "breaker_open";
    case UpReason::kOther:
      return "other";
  }
  return "other";
}

UpReason ReasonOf(const Error& error) {
  if (!error.sqlstate.empty()) return ReasonOfSqlstate(error.sqlstate, error.message);
  if (error.code == ErrorCode::kTimeout) return UpReason::kTimeout;
  if (error.code == ErrorCode::kDenied) return UpReason::kAuthFailed;
  return ReasonOfWords(error.message);
}

Error ConnectError(std::string_view message) {
  std::string sqlstate;
  std::string kept;
  for (const std::string& line : Split(message, '\n')) {
    const std::string_view state = SqlstateIn(line);
    if (!state.empty()) sqlstate = state;  // of several attempts the last one counts
    const std::string_view text = Trim(line);
    if (text.empty() || text.starts_with("LOCATION:")) continue;
    if (!kept.empty()) kept += "; ";
    kept += text;
  }
  const ErrorCode code = sqlstate.empty() ? ErrorCode::kUnavailable : CodeOfSqlstate(sqlstate);
  return Error(code, std::move(kept), std::move(sqlstate));
}

ErrorCode CodeOfSqlstate(std::string_view sqlstate) {
  if (sqlstate == "57014") return ErrorCode::kTimeout;
  if (sqlstate == "55P03") return ErrorCode::kLockTimeout;
  if (sqlstate == "42501" || sqlstate.starts_with("28")) return ErrorCode::kDenied;
  if (sqlstate == "3D000") return ErrorCode::kNotFound;
  if (sqlstate.starts_with("42")) return ErrorCode::kInvalid;
  if (sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "53300") {
    return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInternal;
}

std::string FailureLabel(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return "syntax";
    case ErrorCode::kTimeout:
    case ErrorCode::kLockTimeout:
    case ErrorCode::kDenied:
    case ErrorCode::kUnavailable:
      return ErrorCodeName(error.code);
    case ErrorCode::kNotFound:
    case ErrorCode::kInternal:
      return "other";
  }
  return "other";
}

}  // namespace pgbeacon::pg
