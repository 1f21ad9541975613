// Where an HTTP client sends its requests.
//
// Example:
//   Result<Url> url = ParseUrl("https://user:secret@drain.example.com:8443/logs?team=db");
//   url->Authority() == "drain.example.com:8443"; url->user_info == "user:secret";
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pgbeacon::http {

struct Url {
  bool tls = false;
  std::string host;         ///< without the brackets of an IPv6 address
  std::uint16_t port = 80;  ///< 443 for https
  std::string target;       ///< path and query, at least "/"
  std::string user_info;    ///< "user:password", decoded; empty: none

  std::string Authority() const;  ///< "host", "host:8080", "[::1]:8080"; never the user
};

/// Takes http:// and https://. The error shows the form of a URL and never a password.
Result<Url> ParseUrl(std::string_view text);

/// "Basic dXNlcjpwYXNz" for "user:pass".
std::string BasicCredentials(std::string_view user_info);

}  // namespace pgbeacon::http
