#include "exporter/net/systemd_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"

namespace pgbeacon::net {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 64;

std::optional<std::int64_t> Number(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : ParseInt(text);
}

bool IsListeningStream(int fd) {
  int listens = 0;
  int type = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return false;
  size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

}  // namespace

Result<std::vector<Descriptor>> TakeSystemdSockets() {
  const std::optional<std::int64_t> pid = Number("LISTEN_PID");
  const std::optional<std::int64_t> count = Number("LISTEN_FDS");
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(variable);
  if (pid != getpid() || !count || *count < 1 || *count > kMost) {
    return Error(ErrorCode::kNotFound,
                 "systemd has passed no socket: LISTEN_FDS and LISTEN_PID have to be set by a "
                 ".socket unit (Accept=no) or by systemd-socket-activate");
  }
  std::vector<Descriptor> sockets;
  for (int fd = kFirst; fd < kFirst + *count; ++fd) sockets.emplace_back(fd);
  for (const Descriptor& socket : sockets) {
    const int fd = socket.get();
    if (!IsListeningStream(fd)) {
      return Error(ErrorCode::kInvalid, "systemd's descriptor " + std::to_string(fd) +
                                            " is no listening stream socket: the .socket unit "
                                            "needs ListenStream= and Accept=no");
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return sockets;
}

}  // namespace pgbeacon::net
