#include "exporter/pg/knock.h"

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

}  // namespace

net::awaitable<Status> Knock(net::any_io_executor executor, net::BlockingPool& pool,
                             std::shared_ptr<const Login> login, TimePoint deadline) {
  const auto start = [login = *login] { return login.Start(kStatementTimeout); };
  Result<PgConn> conn = co_await pool.Run(start);
  if (!conn.ok()) co_return conn.error();
  Socket socket(executor);
  PostgresPollingStatusType turn = PGRES_POLLING_WRITING;
  for (bool asked = false;;) {
    if (turn == PGRES_POLLING_FAILED) co_return ConnectError(PQerrorMessage(conn->get()));
    // libpq may begin anew after a word of the server, e.g. without TLS: that one is no welcome.
    if (asked && Asked(conn->get())) co_return Status();
    asked = Asked(conn->get());
    if (!socket.Assign(PQsocket(conn->get()))) {
      co_return Error(ErrorCode::kInternal, "knock: the socket cannot be watched");
    }
    const bool reading = turn == PGRES_POLLING_READING;
    const Wake wake = co_await socket.Wait(reading, !reading, deadline);
    socket.Release();
    if (wake != Wake::kReady) co_return Error(ErrorCode::kTimeout, "knock: no answer");
    turn = PQconnectPoll(conn->get());
  }
}

}  // namespace pgbeacon::pg
