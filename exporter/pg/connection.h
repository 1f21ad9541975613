// Connection: one backend, asked in a pipeline. Made by Attempt (attempt.h).
//
// Example:
//   std::vector<Statement> statements;
//   statements.emplace_back("SELECT 1", 5s);
//   const Status answered = co_await connection->Run(std::move(statements), deadline, take);
//   if (!answered.ok()) Drop(connection);   // the connection is of no further use
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "collectors/engine/rows.h"
#include "exporter/net/asio.h"
#include "exporter/pg/cost.h"
#include "exporter/pg/handles.h"
#include "exporter/pg/leaving.h"
#include "exporter/pg/socket.h"

namespace pgbeacon::pg {

/// One statement and how long the server may work on it.
class Statement {
 public:
  Statement(std::string sql, std::chrono::milliseconds timeout)
      : sql(std::move(sql)), timeout(timeout) {}

  std::string sql;
  std::chrono::milliseconds timeout;
  /// Of a statement that pgbeacon did not write: it runs in a transaction that is rolled back, so
  /// that nothing it sets outlasts it. Empty: the session's, which is pg_catalog.
  std::string search_path;
};

/// What became of one statement.
class Answer {
 public:
  Answer(Result<std::unique_ptr<collectors::Rows>> rows, Duration took)
      : rows(std::move(rows)), took(took) {}

  Result<std::unique_ptr<collectors::Rows>> rows;
  Duration took;  ///< without the time it stood in the pipeline behind others
};

using AnswerSink = std::function<void(std::size_t statement, Answer answer)>;
/// Rows of an answer that comes row by row.
using RowSink = std::function<void(const collectors::Rows& rows)>;

class Connection {
 public:
  /// Takes a connected PGconn whose session has `session_timeout` as statement_timeout, or none of
  /// our settings where `bare`. With client_encoding SQL_ASCII its answers are made valid UTF-8.
  /// What it is asked counts in `cost`.
  Connection(PgConn conn, net::any_io_executor executor, std::chrono::milliseconds session_timeout,
             bool bare, std::shared_ptr<Cost> cost);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Sends the statements in order, at most kInFlight in flight, a Sync after each so that an error
  /// stays with its statement. Every answer goes to `sink` as it comes. An Error means that the
  /// connection broke, the deadline passed or Stop was called; what is unanswered then stays so,
  /// and the connection must be dropped. Which statement was running when it broke is known where
  /// the Error has an SQLSTATE: the first without an answer. Else answers may have been lost too,
  /// and it is one of those in flight.
  net::awaitable<Status> Run(std::vector<Statement> statements, TimePoint deadline,
                             AnswerSink sink);
  static constexpr std::size_t kInFlight = 8;
  /// Bytes of one answer. A larger one is not shown to the sink, and ends Run with ErrorCode
  /// kInternal and no SQLSTATE: libpq gives an answer only when it has it whole, and has room for
  /// the largest of them as long as the connection is open.
  static constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{128} << 20;

  /// Sends one statement by the simple protocol, which is all that PgBouncer's admin console takes,
  /// and gives its rows to `sink` one at a time, kMostSimpleRows at most. An Error with an SQLSTATE
  /// is the server's and leaves the connection usable; after others it must be dropped. From the
  /// first call on, Run is not for this connection.
  net::awaitable<Status> RunSimple(std::string sql, TimePoint deadline, RowSink sink);
  static constexpr std::size_t kMostSimpleRows = 200'000;

  /// Makes a Run that is under way, and every later one, end at once.
  void Stop() { socket_.Stop(); }

  /// From here on every statement carries its settings itself, in a read-only transaction.
  void SetBare() { bare_ = true; }

  /// Closes it; null where the server has done so. `place` is kept until the backend has ended.
  /// From here on the connection is of no further use.
  std::shared_ptr<Leaving> Leave(std::shared_ptr<void> place);

  /// Whether the database takes texts in any encoding.
  bool any_encoding() const;
  /// The session's own statement_timeout: statements with that one need no settings.
  std::chrono::milliseconds session_timeout() const { return session_timeout_; }
  /// When the certificate that the server has shown expires, in seconds since the epoch; nothing
  /// without TLS.
  const std::optional<double>& certificate_not_after() const { return certificate_not_after_; }

  int server_version() const { return PQserverVersion(conn_.get()); }
  int backend_pid() const { return PQbackendPID(conn_.get()); }

  /// The means to cancel what runs now. Null unless the server has said something within the last
  /// half second: PQcancel blocks for as long as a server does not answer.
  PgCancel Canceller() const;

 private:
  class Pipeline;

  bool NeedsSettings(const Statement& statement) const;
  bool Send(const Statement& statement);
  bool AsciiClient() const;
  Error Broken() const;
  Error Lost(Pipeline& pipeline) const;
  static Error ErrorOf(const PGresult* result);

  PgConn conn_;
  Socket socket_;
  std::chrono::milliseconds session_timeout_;
  bool bare_;
  std::shared_ptr<Cost> cost_;
  std::optional<double> certificate_not_after_;
  TimePoint heard_;
};

}  // namespace pgbeacon::pg
