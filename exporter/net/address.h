// Listen addresses as Go's net.Listen takes them: ":9187", "127.0.0.1:9187", "[::1]:9187",
// "localhost:9187".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pgbeacon::net {

struct ListenAddress {
  std::string host;  ///< without brackets; empty for every address of both families
  std::uint16_t port = 0;
};

/// The error names the text and shows how an address is written.
Result<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace pgbeacon::net
