#include "exporter/web/credentials.h"

#include <openssl/evp.h>

#include "base/text.h"

namespace pgbeacon::web {
namespace {

/// What stands behind the scheme's name, in whatever case that is; empty: another scheme.
std::string_view Behind(std::string_view scheme, std::string_view header) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ' ||
      !SameIgnoringCase(scheme, header.substr(0, scheme.size()))) {
    return {};
  }
  return Trim(header.substr(scheme.size()));
}

}  // namespace

std::string_view BearerToken(std::string_view authorization) {
  return Behind("bearer", authorization);
}

std::optional<std::string> BasicLogin(std::string_view authorization) {
  const std::string_view encoded = Behind("basic", authorization);
  if (encoded.empty() || encoded.size() % 4 != 0) return std::nullopt;
  std::string login(encoded.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(login.data()),
                                   reinterpret_cast<const unsigned char*>(encoded.data()),
                                   static_cast<int>(encoded.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = 0;  // which it decodes to zeros
  if (encoded.ends_with('=')) padding = encoded.ends_with("==") ? 2 : 1;
  login.resize(static_cast<std::size_t>(size) - padding);
  return login;
}

}  // namespace pgbeacon::web
