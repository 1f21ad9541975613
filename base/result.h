// Result<T>: a value or an Error, for everything that can fail and whose caller can act on it.
//
// Example:
//   Result<Prefix> prefix = Prefix::Compile("%m [%p] ");
//   if (!prefix.ok()) return prefix.error();
//   Use(prefix.value());
//
// Errors are values inside pgbeacon. Exceptions of libraries (Asio, yaml-cpp) are caught where the
// library is called and turned into an Error once.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace pgbeacon {

/// What kind of failure; names (ErrorCodeName) are stable and serve as label values.
enum class ErrorCode {
  kInvalid,      ///< the input is wrong: config, YAML, flag, bytes
  kNotFound,     ///< the named thing does not exist
  kDenied,       ///< permission or authentication refused
  kTimeout,      ///< a deadline passed
  kLockTimeout,  ///< SQLSTATE 55P03
  kUnavailable,  ///< the peer cannot be reached or closed the connection
  kInternal,     ///< a fault of ours
};

/// The snake_case name of a code, e.g. "lock_timeout".
constexpr const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kDenied:
      return "permission";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kLockTimeout:
      return "lock_timeout";
    case ErrorCode::kUnavailable:
      return "connection";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

/// A failure: its kind, a message that names the thing and the remedy, and PostgreSQL's SQLSTATE
/// where one was given. Not an aggregate: g++ 12.2 destroys aggregate temporaries twice next to
/// co_await.
class Error {
 public:
  Error(ErrorCode code, std::string message, std::string sqlstate = {})
      : code(code), message(std::move(message)), sqlstate(std::move(sqlstate)) {}

  ErrorCode code;
  std::string message;
  std::string sqlstate;
};

/// A T or an Error. value() and error() may be called only when ok() says so.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  const Error& error() const { return *std::get_if<1>(&state_); }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

 private:
  std::variant<T, Error> state_;
};

/// Success or an Error, for what yields no value: `return Status();` is success.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace pgbeacon
