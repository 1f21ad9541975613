// The request target (RFC 9112, section 3.2) taken apart and decoded.
//
// Example:
//   std::optional<RequestTarget> target = ParseTarget("/probe?target=a%20b");
//   target->path == "/probe"; target->query[0].second == "a b";
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgbeacon::http {

struct RequestTarget {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  ///< in order, with repetitions
};

/// The text with each %XX as the byte it stands for and, in a query, `+` as a blank; nothing where
/// a
/// `%` is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecode(std::string_view text, bool query);

/// The text with all but letters, digits and -._~ as %XX, for a path's part or a query's key or
/// value.
std::string PercentEncode(std::string_view text);

/// Takes "/path?query" and "http://host/path?query"; nothing when something cannot be decoded. A
/// key without `=` has an empty value; empty parts (`a=1&&b=2`) are left out.
std::optional<RequestTarget> ParseTarget(std::string_view target);

}  // namespace pgbeacon::http
