// gzip (RFC 1952) bodies of requests, bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgbeacon::web {

struct Unzipped {
  std::string text;
  bool broken = false;     ///< damaged or cut: `text` is what came before
  bool too_large = false;  ///< more than was allowed
};

/// The text of all members in `bytes`; reading ends where it is larger than `most`.
Unzipped Gunzip(std::string_view bytes, std::size_t most);

}  // namespace pgbeacon::web
