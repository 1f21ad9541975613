// Credentials: what a header Authorization holds.
//
// Example:
//   BearerToken("Bearer t0ken") == "t0ken";
//   *BasicLogin("Basic dXNlcjpwYXNz") == "user:pass";
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgbeacon::web {

/// RFC 6750; empty where it is another scheme.
std::string_view BearerToken(std::string_view authorization);

/// "user:password" (RFC 7617); nothing where it is another scheme or no base64.
std::optional<std::string> BasicLogin(std::string_view authorization);

}  // namespace pgbeacon::web
