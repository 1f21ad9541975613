#include "exporter/net/listening.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "exporter/net/address.h"

namespace pgbeacon::net {
namespace {

constexpr int kBacklog = 4096;
constexpr int kUnprivilegedPort = 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

int TypeOf(Transport transport) {
  const int type = transport == Transport::kStream ? SOCK_STREAM : SOCK_DGRAM;
  return type | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

Error CannotListen(const std::string& address, const std::string& why, ErrorCode code) {
  return Error(code, "cannot listen on " + address + ": " + why);
}

Error CannotListen(const std::string& address, int code, Transport transport, int port,
                   const std::string& rival) {
  std::string why = std::system_category().message(code);
  const char* protocol = transport == Transport::kStream ? "-ltnp" : "-lunp";
  if (code == EADDRINUSE) {
    why += "; " + rival + " may have the port: `ss " + std::string(protocol) +
           " sport = :" + std::to_string(port) + "` tells which";
  } else if (code == EACCES && port < kUnprivilegedPort) {
    why +=
        "; ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=), or choose "
        "another port";
  } else if (code == EADDRNOTAVAIL) {
    why += "; this machine has no such address";
  }
  return CannotListen(address, why, code == EACCES ? ErrorCode::kDenied : ErrorCode::kUnavailable);
}

Result<Addresses> Resolve(const ListenAddress& address, const std::string& text,
                          Transport transport) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = transport == Transport::kStream ? SOCK_STREAM : SOCK_DGRAM;
  const char* host = address.host.empty() ? "::" : address.host.c_str();
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host, std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) return CannotListen(text, gai_strerror(failed), ErrorCode::kNotFound);
  return Addresses(found);
}

/// Of a name with addresses of both families the IPv4 one.
const addrinfo& Preferred(const addrinfo& list) {
  for (const addrinfo* at = &list; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET) return *at;
  }
  return list;
}

/// 0, or why it cannot be bound.
int Bind(Descriptor& socket, const addrinfo& where, Transport transport) {
  socket = Descriptor(::socket(where.ai_family, TypeOf(transport), 0));
  if (!socket) return errno;
  const int on = 1;
  const int off = 0;
  // Two programs may share a UDP port with SO_REUSEADDR, of which one gets nothing.
  if (transport == Transport::kStream) {
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (where.ai_family == AF_INET6) {
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (bind(socket.get(), where.ai_addr, where.ai_addrlen) != 0) return errno;
  if (transport == Transport::kStream && listen(socket.get(), kBacklog) != 0) return errno;
  return 0;
}

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return CannotListen(path, "a socket's path has 1 to 107 bytes", ErrorCode::kInvalid);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* Plain(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes what a listener that is gone left at the path.
Status RemoveStale(const std::string& path, const sockaddr_un& address, Transport transport) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return {};
  if (!S_ISSOCK(file.st_mode)) {
    return CannotListen(path, "there is a file that is no socket", ErrorCode::kInvalid);
  }
  const Descriptor probe(socket(AF_UNIX, TypeOf(transport), 0));
  const bool refused = connect(probe.get(), Plain(address), sizeof address) != 0;
  if (!refused || errno != ECONNREFUSED) {
    return CannotListen(path, "another program listens there", ErrorCode::kUnavailable);
  }
  if (unlink(path.c_str()) != 0) {
    return CannotListen(path, std::system_category().message(errno), ErrorCode::kDenied);
  }
  return {};
}

}  // namespace

Result<Descriptor> ListenInternet(const std::string& address, Transport transport,
                                  const std::string& rival) {
  const Result<ListenAddress> parsed = ParseListenAddress(address);
  if (!parsed.ok()) return parsed.error();
  Result<Addresses> found = Resolve(*parsed, address, transport);
  if (!found.ok()) return found.error();
  Descriptor socket;
  int failed = Bind(socket, Preferred(**found), transport);
  const bool no_ipv6 = failed == EAFNOSUPPORT || failed == EADDRNOTAVAIL;
  if (no_ipv6 && parsed->host.empty()) {
    const ListenAddress every{.host = "0.0.0.0", .port = parsed->port};
    found = Resolve(every, address, transport);
    if (!found.ok()) return found.error();
    failed = Bind(socket, Preferred(**found), transport);
  }
  if (failed != 0) return CannotListen(address, failed, transport, parsed->port, rival);
  return socket;
}

Result<UnixSocket> UnixSocket::Listen(const std::string& path, Transport transport, unsigned mode) {
  const Result<sockaddr_un> address = UnixAddress(path);
  if (!address.ok()) return address.error();
  const Status free = RemoveStale(path, *address, transport);
  if (!free.ok()) return free.error();
  Descriptor socket(::socket(AF_UNIX, TypeOf(transport), 0));
  if (!socket || bind(socket.get(), Plain(*address), sizeof *address) != 0) {
    const int code = errno;
    std::string why = std::system_category().message(code);
    if (code == ENOENT) why += "; make the folder first";
    return CannotListen(path, why, ErrorCode::kUnavailable);
  }
  if (transport == Transport::kStream && listen(socket.get(), kBacklog) != 0) {
    return CannotListen(path, std::system_category().message(errno), ErrorCode::kUnavailable);
  }
  return UnixSocket(std::move(socket), path, mode);
}

UnixSocket::UnixSocket(Descriptor socket, std::string path, unsigned mode)
    : socket_(std::move(socket)), path_(std::move(path)) {
  chmod(path_.c_str(), mode);
  struct stat file {};
  if (lstat(path_.c_str(), &file) != 0) return;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

UnixSocket::UnixSocket(UnixSocket&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

UnixSocket::~UnixSocket() {
  struct stat file {};
  if (path_.empty() || lstat(path_.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == inode_) unlink(path_.c_str());
}

std::string LocalName(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return NameOf(address);
}

std::string NameOf(const sockaddr_storage& address) {
  const std::string host = HostOf(address);
  if (host.empty()) return {};
  // Both families have the port at the same place.
  const auto& internet = reinterpret_cast<const sockaddr_in&>(address);
  const std::string port = std::to_string(ntohs(internet.sin_port));
  return host.find(':') == std::string::npos ? host + ":" + port : "[" + host + "]:" + port;
}

std::string HostOf(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  int family = address.ss_family;
  if (family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  } else if (family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    bytes = &v6;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      family = AF_INET;
      bytes = &v6.s6_addr[12];
    }
  }
  if (bytes == nullptr || inet_ntop(family, bytes, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

}  // namespace pgbeacon::net
