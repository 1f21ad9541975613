// What a handler gets and gives: plain data without HTTP's framing.
#pragma once

#include <functional>
#include <map>
#include <memory>
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
  std::string body;
  std::string peer;  ///< "127.0.0.1:51234"
  TimePoint received;

  std::string_view Header(std::string_view lower_name) const;  ///< "" when absent
};

/// A complete response; the server adds Content-Length, Date and Connection, and compresses bodies
/// with gzip where the request allows it and `compressible` is set.
struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  bool compressible = false;
  std::vector<std::pair<std::string, std::string>> headers;
};

using Handler = std::function<net::awaitable<Response>(std::shared_ptr<const Request>)>;

}  // namespace pgbeacon::http
