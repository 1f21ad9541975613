// What leaves for a request: the handler's response, or a refusal, as an HTTP message.
//
// Example:
//   Response response = co_await Answer(site, request, route);
//   Message message = co_await Encode(site, std::move(response), version, gzip, head);
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <string>

#include "exporter/http/message.h"
#include "exporter/http/site.h"
#include "exporter/net/asio.h"

namespace pgbeacon::http {

using Message = boost::beast::http::response<boost::beast::http::string_body>;

/// 503: to be asked again in a second.
Response Busy(std::string body);
/// The status with its name as body.
Response Refusal(int status);

/// Runs the handler; whatever it throws becomes a 500. `route` outlives the call.
net::awaitable<Response> Answer(std::shared_ptr<Site> site, std::shared_ptr<const Request> request,
                                std::string& route);

/// Status and header, without what frames the body. Headers of the site's guard are set in place of
/// the handler's, the handler's in place of the server's own.
Message Head(const Response& response, unsigned version, const Site& site);

/// The response as a message, compressed where `gzip`; `head`: without its body.
net::awaitable<Message> Encode(std::shared_ptr<Site> site, Response response, unsigned version,
                               bool gzip, bool head);

}  // namespace pgbeacon::http
