#include "exporter/net/resolve.h"

#include <netdb.h>

#include <cstring>
#include <memory>
#include <utility>

namespace pgbeacon::net {
namespace {

using asio::ip::tcp;

Result<Endpoints> Ask(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* raw = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &wanted, &raw);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(raw, &freeaddrinfo);
  if (failed != 0) return Error(ErrorCode::kUnavailable, gai_strerror(failed));
  Endpoints endpoints;
  for (const addrinfo* one = found.get(); one; one = one->ai_next) {
    tcp::endpoint endpoint;
    if (one->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
    endpoint.resize(one->ai_addrlen);
    endpoint.port(port);
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace

awaitable<Result<Endpoints>> Resolve(BlockingPool& pool, SharedCalls& calls, std::string host,
                                     std::uint16_t port, TimePoint deadline) {
  error_code name;
  const auto literal = asio::ip::make_address(host, name);
  if (!name) {
    Endpoints one(1, tcp::endpoint(literal, port));
    co_return one;
  }
  const auto ask = [host, port] { return Ask(host, port); };
  const std::string key = "name " + host + ":" + std::to_string(port);
  const std::optional<Result<Endpoints>> found = co_await calls.Run(pool, key, ask, deadline);
  if (!found) co_return Error(ErrorCode::kTimeout, "no answer in time");
  co_return *found;
}

}  // namespace pgbeacon::net
