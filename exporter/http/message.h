// What a handler gets and gives: plain data without HTTP's framing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "exporter/net/asio.h"

namespace pgbeacon::http {

/// A request whose header and body have been read within the limits.
struct Request {
  std::string method;
  std::string path;                                         ///< decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;   ///< decoded, in order
  std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case
  mutable std::string body;                                 ///< a handler may take it out
  std::string peer;                                         ///< "127.0.0.1:51234"
  bool tls = false;                                         ///< it came over TLS
  TimePoint received;
  std::shared_ptr<void> admission;  ///< what the route's gate gave, held until it is answered

  std::string_view Header(std::string_view lower_name) const;  ///< "" when absent
};

/// A body that is made while it is sent, perhaps without end. One thread, the server's.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next piece, waited for as long as it takes; empty at the end.
  virtual net::awaitable<std::string> Next() = 0;
  /// Nobody reads any more: Next() that waits, and every later one, yields the end at once.
  virtual void End() = 0;
};

/// A complete response; the server adds Content-Length, Date and Connection, and compresses bodies
/// with gzip where the request allows it and `compressible` is set. With a `stream` the body comes
/// from there, in chunks (HTTP/1.1) or until the connection is closed (HTTP/1.0).
struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  bool compressible = false;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<BodySource> stream;
};

using Handler = std::function<net::awaitable<Response>(std::shared_ptr<const Request>)>;

/// What a gate thinks of a request: a refusal, or what the request holds while it is here.
struct Admission {
  std::optional<Response> refusal;
  std::shared_ptr<void> held;
};
/// Judges a request by its header alone, before its body is read. `body_bytes`: absent where the
/// client does not tell (chunked).
using Gate =
    std::function<Admission(const Request& header, std::optional<std::uint64_t> body_bytes)>;

/// What is particular to a route.
struct RouteOptions {
  std::optional<std::size_t> body_bytes;  ///< instead of the server's limit
  Gate gate;
  std::function<void()> too_large;  ///< called for each request that its body_bytes refuse
  bool own_credentials = false;     ///< asks for credentials itself: the server's guard does not
};

}  // namespace pgbeacon::http
