#include "exporter/net/address.h"

#include <limits>
#include <optional>

#include "base/shown.h"
#include "base/text.h"

namespace pgbeacon::net {

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto refuse = [text](std::string_view why) {
    return Error(ErrorCode::kInvalid, "listen address: " + std::string(why) +
                                          "; expected HOST:PORT, [IPV6]:PORT or :PORT" +
                                          Found(text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("no port given");
  std::string_view host = text.substr(0, colon);
  const std::optional<std::int64_t> port = ParseInt(text.substr(colon + 1));
  if (!port || *port < 0 || *port > std::numeric_limits<std::uint16_t>::max()) {
    return refuse("the port is not a number from 0 to 65535");
  }
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return refuse("an IPv6 address stands in brackets");
  }
  if (bracketed && host.empty()) return refuse("the brackets are empty");
  ListenAddress address;
  address.host = std::string(host);
  address.port = static_cast<std::uint16_t>(*port);
  return address;
}

}  // namespace pgbeacon::net
