#include "tests/support/fake_pooler.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace pgbeacon::test {
namespace {

constexpr int kTick = 20;  // milliseconds between looks at stopped_
constexpr std::uint32_t kVersion3 = 196608;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool ReadAll(int from, char* to, std::size_t size) {
  return recv(from, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

void WriteAll(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string WithLength(std::string_view body) {
  const std::uint32_t length = htonl(static_cast<std::uint32_t>(body.size() + 4));
  std::string out(reinterpret_cast<const char*>(&length), 4);
  out += body;
  return out;
}

/// The startup packet without its `options`; `found` says whether it had any.
std::string WithoutOptions(std::string_view body, bool& found) {
  std::string out(body.substr(0, 4));
  std::size_t at = 4;
  while (at < body.size() && body[at] != '\0') {
    const std::string name = body.data() + at;
    const std::string value = body.data() + at + name.size() + 1;
    at += name.size() + value.size() + 2;
    if (name == "options") {
      found = true;
      continue;
    }
    out.append(name).append(1, '\0').append(value).append(1, '\0');
  }
  out.append(1, '\0');
  return out;
}

}  // namespace

FakePooler::FakePooler(int server_port, Options options)
    : server_port_(server_port), options_(options) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      listen(listener_, 8) == 0 &&
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    port_ = ntohs(address.sin_port);
  }
  thread_ = std::thread([this] { Serve(); });
}

FakePooler::~FakePooler() {
  stopped_ = true;
  thread_.join();
  close(listener_);
}

void FakePooler::Serve() {
  while (!stopped_) {
    pollfd waiting = {listener_, POLLIN, 0};
    if (poll(&waiting, 1, kTick) != 1) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    Handle(client);
    close(client);
  }
}

void FakePooler::Handle(int client) {
  std::string body;
  for (;;) {
    std::uint32_t length = 0;
    if (!ReadAll(client, reinterpret_cast<char*>(&length), 4)) return;
    body.resize(ntohl(length) - 4);
    if (!ReadAll(client, body.data(), body.size())) return;
    std::uint32_t code = 0;
    std::memcpy(&code, body.data(), 4);
    if (ntohl(code) == kVersion3) break;
    WriteAll(client, "N");  // no TLS, no GSSAPI
  }
  bool found = false;
  const std::string startup = WithoutOptions(body, found);
  if (found && options_ == Options::kRefuse) {
    ++refusals_;
    using std::string_view_literals::operator""sv;
    WriteAll(client,
             "E" + WithLength("SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"sv));
    return;
  }
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    WriteAll(server, WithLength(startup));
    Relay(client, server);
  }
  close(server);
}

void FakePooler::Relay(int client, int server) const {
  char buffer[16384];
  while (!stopped_) {
    pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(ends, 2, kTick) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (!ends[i].revents) continue;
      const ssize_t got = recv(ends[i].fd, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      WriteAll(ends[1 - i].fd, std::string_view(buffer, static_cast<std::size_t>(got)));
    }
  }
}

}  // namespace pgbeacon::test
