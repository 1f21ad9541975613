#include "exporter/pg/knock.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "exporter/net/descriptor.h"
#include "exporter/pg/login_files.h"
#include "exporter/pg/socket.h"
#include "exporter/pg/up_reason.h"

namespace pgbeacon::pg {
namespace {

constexpr std::chrono::milliseconds kStatementTimeout{1000};  // of a session that never begins

/// Whether the startup packet has been sent, so that the next word is the server's.
bool Asked(const PGconn* conn) {
  const ConnStatusType status = PQstatus(conn);
  return status == CONNECTION_AWAITING_RESPONSE || status == CONNECTION_AUTH_OK ||
         status == CONNECTION_OK;
}

/// Goes as one who has thought better of it. A socket closed while the server still speaks would be
/// reset, and a reset is a line in the server's log: so the goodbye of libpq (that of TLS) comes
/// first, then the end of what we send, and what the server says until it hangs up is read.
net::awaitable<void> Leave(PgConn conn, Socket& socket, TimePoint deadline) {
  const net::Descriptor kept(dup(PQsocket(conn.get())));
  conn.reset();
  if (!kept || shutdown(kept.get(), SHUT_WR) != 0 || !socket.Assign(kept.get())) co_return;
  std::array<char, 4096> unheard;
  for (;;) {
    const ssize_t got = recv(kept.get(), unheard.data(), unheard.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (got > 0) continue;
    const Wake wake = co_await socket.Wait(true, false, deadline);
    if (wake != Wake::kReady) break;
  }
  socket.Release();
}

}  // namespace

net::awaitable<Status> Knock(net::any_io_executor executor, net::BlockingPool& pool,
                             std::shared_ptr<const Login> login, TimePoint deadline) {
  const auto start = [login = *login] {
    Looking looking;
    return StartLogin(login, kStatementTimeout, looking);
  };
  Result<PgConn> conn = co_await pool.Run(start);
  if (!conn.ok()) co_return conn.error();
  Socket socket(executor);
  PostgresPollingStatusType turn = PGRES_POLLING_WRITING;
  bool asked = false;
  // libpq may begin anew after a word of the server, e.g. without TLS: that one is no welcome.
  while (turn != PGRES_POLLING_FAILED && !(asked && Asked(conn->get()))) {
    asked = Asked(conn->get());
    if (!socket.Assign(PQsocket(conn->get()))) {
      co_return Error(ErrorCode::kInternal, "knock: the socket cannot be watched");
    }
    const bool reading = turn == PGRES_POLLING_READING;
    const Wake wake = co_await socket.Wait(reading, !reading, deadline);
    socket.Release();
    if (wake != Wake::kReady) co_return Error(ErrorCode::kTimeout, "knock: no answer");
    const auto poll = [raw = conn->get()] { return PQconnectPoll(raw); };
    turn = co_await pool.Run(poll);
  }
  if (turn == PGRES_POLLING_FAILED) co_return ConnectError(PQerrorMessage(conn->get()));
  PgConn admitted = *std::move(conn);
  co_await Leave(std::move(admitted), socket, deadline);
  co_return Status();
}

}  // namespace pgbeacon::pg
