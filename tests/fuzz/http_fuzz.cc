// Any bytes as what a client sends on one connection: every answer is a whole response, nothing
// follows the one that closes, and what was sent is in none of them.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/http/session.h"
#include "exporter/net/blocking_pool.h"

namespace {

using namespace pgbeacon;  // NOLINT: a program of its own

constexpr std::size_t kMostBytes = std::size_t{8} * 1024;  // whose answers fit into the socket

net::awaitable<http::Response> Hello(std::shared_ptr<const http::Request>) {
  http::Response response;
  response.body = "hello\n";
  co_return response;
}

std::shared_ptr<http::Site> MakeSite(net::asio::io_context& io, net::BlockingPool& pool) {
  auto site = std::make_shared<http::Site>();
  site->executor = io.get_executor();
  site->pool = &pool;
  site->limits.header_bytes = 1024;
  site->limits.body_bytes = 4096;
  site->limits.read = site->limits.write = site->limits.idle = std::chrono::seconds(1);
  site->router.Add("GET", "/hello", Hello);
  site->router.Add("POST", "/hello", Hello);
  return site;
}

std::string ReadAll(int socket) {
  std::string all;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t count = read(socket, chunk.data(), chunk.size());
    if (count <= 0) return all;
    all.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

/// Takes whole responses off the front.
void CheckResponses(std::string_view all) {
  while (!all.empty()) {
    if (!all.starts_with("HTTP/1.")) std::abort();
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string_view::npos) std::abort();
    const std::string_view head = all.substr(0, end + 2);
    all.remove_prefix(end + 4);
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string_view::npos) {
      if (!head.substr(9).starts_with("100")) std::abort();
      continue;
    }
    const std::size_t length = std::strtoul(head.data() + at + 16, nullptr, 10);
    if (all.size() < length && !all.starts_with("HTTP/1.") && !all.empty()) std::abort();
    // Of a HEAD the length is told and no body follows.
    if (all.size() >= length && !all.starts_with("HTTP/1.")) all.remove_prefix(length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMostBytes) return 0;
  static net::BlockingPool* const pool = new net::BlockingPool(1);
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) std::abort();
  if (write(sockets[0], data, size) != static_cast<ssize_t>(size)) std::abort();
  shutdown(sockets[0], SHUT_WR);
  net::asio::io_context io(1);
  {
    net::StreamSocket socket(io, net::StreamProtocolOf(sockets[1]), sockets[1]);
    net::asio::co_spawn(io, http::RunSession(std::move(socket), MakeSite(io, *pool), false),
                        [](const std::exception_ptr& failure) {
                          if (failure) std::abort();
                        });
  }
  io.run();
  CheckResponses(ReadAll(sockets[0]));
  close(sockets[0]);
  return 0;
}
