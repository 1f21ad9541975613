#include "exporter/net/stream_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "exporter/net/listening.h"

namespace pgbeacon::net {

StreamProtocol StreamProtocolOf(int socket) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return {family, 0};
}

std::string PeerName(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_UNIX) return "unix";
  return NameOf(address);
}

}  // namespace pgbeacon::net
