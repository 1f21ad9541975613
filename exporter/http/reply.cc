#include "exporter/http/reply.h"

#include <spdlog/spdlog.h>

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "exporter/http/date.h"
#include "exporter/metrics/gzip.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::http {
namespace {

namespace bhttp = boost::beast::http;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kLeastGzip = 1024;  // below, the header outweighs the gain
constexpr std::size_t kInlineGzip =
    std::size_t{1024} * 1024;  // above, the I/O thread would be held too long

/// What a response says where its handler says nothing else: it is for the one who asked, is no
/// page to act on, and belongs in no frame.
const Headers& DefaultHeaders() {
  static const Headers* const headers =
      new Headers{{"X-Content-Type-Options", "nosniff"},
                  {"X-Frame-Options", "deny"},
                  {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                  {"Referrer-Policy", "no-referrer"},
                  {"Cross-Origin-Resource-Policy", "same-origin"},
                  {"Cache-Control", "no-store"}};
  return *headers;
}

Response Plain(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace

Response Busy(std::string body) {
  Response response = Plain(503, std::move(body));
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response Refusal(int status) {
  std::string reason(bhttp::obsolete_reason(bhttp::int_to_status(static_cast<unsigned>(status))));
  Response response = Plain(status, std::move(reason) + "\n");
  if (status == 503) response = Busy("too many connections\n");
  return response;
}

net::awaitable<Response> Answer(std::shared_ptr<Site> site, std::shared_ptr<const Request> request,
                                std::string& route) {
  const Router::Match match = site->router.Find(request->method, request->path);
  route = match.route;
  if (match.handler == nullptr && match.allow.empty()) {
    co_return Plain(404, site->router.Served());
  }
  if (match.handler == nullptr) {
    Response response = Plain(405, "method not allowed; allowed: " + match.allow + "\n");
    response.headers.emplace_back("Allow", match.allow);
    co_return response;
  }
  const Handler handler = *match.handler;  // routes may be added while it runs
  std::string failure;
  try {
    Response response = co_await handler(request);
    co_return response;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "unknown exception";
  }
  spdlog::error("http handler failed path={} error={}", route, failure);
  co_return Plain(500, "internal error\n");
}

Message Head(const Response& response, unsigned version, const Site& site) {
  Message message(bhttp::int_to_status(static_cast<unsigned>(response.status)), version);
  message.result(static_cast<unsigned>(response.status));
  message.set(bhttp::field::date, HttpDate(std::chrono::system_clock::now()));
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  for (const auto& [name, value] : DefaultHeaders()) {
    if (message.count(name) == 0) message.set(name, value);
  }
  if (site.guard) {
    for (const auto& [name, value] : site.guard->headers()) message.set(name, value);
  }
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) message.set(bhttp::field::content_type, response.content_type);
  return message;
}

net::awaitable<Message> Encode(std::shared_ptr<Site> site, Response response, unsigned version,
                               bool gzip, bool head) {
  Message message = Head(response, version, *site);
  if (response.status == 204 || response.status == 304) co_return message;
  if (response.compressible) message.insert(bhttp::field::vary, "Accept, Accept-Encoding");
  if (response.compressible && gzip && response.body.size() >= kLeastGzip) {
    message.set(bhttp::field::content_encoding, "gzip");
    if (response.body.size() <= kInlineGzip || site->closed) {
      response.body = metrics::Gzip(response.body);
    } else {
      auto compress = [text = std::move(response.body)] { return metrics::Gzip(text); };
      response.body = co_await site->pool->Run(std::move(compress));
    }
  }
  message.content_length(response.body.size());
  if (!head) message.body() = std::move(response.body);
  co_return message;
}

}  // namespace pgbeacon::http
