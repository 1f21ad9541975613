// Connection::RunSimple: one statement by the simple protocol, row by row.
#include <optional>
#include <utility>

#include "exporter/pg/connection.h"
#include "exporter/pg/result_rows.h"

namespace pgbeacon::pg {

net::awaitable<Status> Connection::RunSimple(std::string sql, TimePoint deadline, RowSink sink) {
  PGconn* conn = conn_.get();
  if (PQpipelineStatus(conn) != PQ_PIPELINE_OFF && PQexitPipelineMode(conn) != 1)
    co_return Broken();
  if (PQsendQuery(conn, sql.c_str()) != 1) co_return Broken();
  PQsetSingleRowMode(conn);
  std::optional<Error> refusal;
  std::size_t rows = 0;
  for (;;) {
    const int unsent = PQflush(conn);
    if (unsent < 0) co_return Broken();
    while (!PQisBusy(conn)) {
      PgResult result(PQgetResult(conn));
      if (!result && refusal) co_return *refusal;
      if (!result) co_return Status();
      const ExecStatusType status = PQresultStatus(result.get());
      if (status == PGRES_SINGLE_TUPLE) {
        if (++rows > kMostSimpleRows) {
          co_return Error(ErrorCode::kInvalid, "the answer to " + sql + " has too many rows");
        }
        const ResultRows row(std::move(result));
        sink(row);
      } else if (status == PGRES_FATAL_ERROR) {
        refusal.emplace(ErrorOf(result.get()));
        if (PQstatus(conn) == CONNECTION_BAD) co_return *refusal;
      } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        co_return Error(ErrorCode::kInternal, "a statement that is no query: " + sql);
      }
    }
    const Wake wake = co_await socket_.Wait(true, unsent > 0, deadline);
    if (wake == Wake::kStopped) co_return Error(ErrorCode::kUnavailable, "shutting down");
    if (wake == Wake::kDeadline) {
      co_return Error(ErrorCode::kTimeout, "no answer before the deadline");
    }
    heard_ = SteadyClock::now();
    if (!PQconsumeInput(conn)) co_return refusal ? *refusal : Broken();
  }
}

}  // namespace pgbeacon::pg
