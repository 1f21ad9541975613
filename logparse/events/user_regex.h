// A row's `re2`: RE2 behind an interface without RE2's types.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pgbeacon::log {

/// Matches at the start of a message, in Latin-1, so that no byte makes it fail. Thread-safe.
class UserRegex {
 public:
  static constexpr std::size_t kMaxGroups = 32;

  static Result<std::unique_ptr<UserRegex>> Compile(const std::string& regex);
  ~UserRegex();
  UserRegex(const UserRegex&) = delete;
  UserRegex& operator=(const UserRegex&) = delete;

  /// As Pattern::Match.
  bool Match(std::string_view message, std::string_view* captures) const;

  std::size_t groups() const { return groups_; }
  /// Bytes that every match begins with; may be empty.
  const std::string& lead() const { return lead_; }

 private:
  struct Regex;
  UserRegex();
  std::unique_ptr<Regex> regex_;
  std::size_t groups_ = 0;
  std::string lead_;
};

}  // namespace pgbeacon::log
