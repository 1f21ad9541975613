#include "exporter/pg/leaving.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <utility>

namespace pgbeacon::pg {
namespace {

/// Reads what the server still has to say; true once it has hung up.
bool HungUp(int descriptor) {
  std::array<char, 16384> ignored{};
  const ssize_t got = recv(descriptor, ignored.data(), ignored.size(), MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace

Leaving::Leaving(net::any_io_executor executor, int descriptor, std::shared_ptr<void> place)
    : descriptor_(descriptor), socket_(executor), gone_(executor), place_(std::move(place)) {}

Leaving::~Leaving() { End(); }

std::shared_ptr<Leaving> Leaving::From(PgConn conn, net::any_io_executor executor,
                                       std::shared_ptr<void> place) {
  const int own = PQsocket(conn.get());
  const int descriptor = own < 0 ? -1 : fcntl(own, F_DUPFD_CLOEXEC, 0);
  conn.reset();
  auto leaving = std::make_shared<Leaving>(executor, descriptor, std::move(place));
  if (descriptor < 0 || shutdown(descriptor, SHUT_WR) != 0 ||
      !leaving->socket_.Assign(descriptor)) {
    leaving->End();
    return leaving;
  }
  net::asio::co_spawn(executor, Watch(leaving), [leaving](std::exception_ptr) { leaving->End(); });
  return leaving;
}

net::awaitable<void> Leaving::Watch(std::shared_ptr<Leaving> self) {
  const TimePoint until = SteadyClock::now() + kLeavingLease;
  while (!HungUp(self->descriptor_)) {
    const Wake wake = co_await self->socket_.Wait(true, false, until);
    if (wake != Wake::kReady) break;
  }
}

void Leaving::End() {
  socket_.Release();
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
  place_.reset();
  gone_.Set();
}

}  // namespace pgbeacon::pg
