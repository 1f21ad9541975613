#include "exporter/pg/connection.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "exporter/pg/certificate.h"
#include "exporter/pg/login.h"
#include "exporter/pg/result_rows.h"
#include "exporter/pg/up_reason.h"

namespace pgbeacon::pg {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kWithSettings = 4;  // BEGIN, the settings, the statement itself, its end
constexpr milliseconds kHeardLately{500};

/// Whether the session's own statement_timeout is near enough to what a statement wants.
bool Near(milliseconds session, milliseconds wanted) {
  const auto apart = session > wanted ? session - wanted : wanted - session;
  return apart <= wanted / 10;
}

bool SendOne(PGconn* conn, const char* sql) {
  return PQsendQueryParams(conn, sql, 0, nullptr, nullptr, nullptr, nullptr, /*resultFormat=*/0);
}

/// What a result's rows took on their way: a DataRow message each (PostgreSQL documentation,
/// "Message Formats").
std::uint64_t RowBytes(const PGresult* result) {
  constexpr std::uint64_t kRow = 7;
  constexpr std::uint64_t kField = 4;
  const int rows = PQntuples(result);
  const int fields = PQnfields(result);
  std::uint64_t bytes = static_cast<std::uint64_t>(rows) * (kRow + fields * kField);
  for (int row = 0; row < rows; ++row) {
    for (int field = 0; field < fields; ++field) bytes += PQgetlength(result, row, field);
  }
  return bytes;
}

/// Settings for one transaction; set_config because SET takes no place in a SELECT list.
std::string LocalSettings(const Statement& statement, bool all) {
  const auto set = [](const std::string& name, const std::string& value) {
    return "pg_catalog.set_config('" + name + "','" + value + "',true)";
  };
  std::string sql = "SELECT " + set("statement_timeout", std::to_string(statement.timeout.count()));
  if (all) sql += "," + set("lock_timeout", std::to_string(kLockTimeout.count()));
  if (all || !statement.search_path.empty()) {
    sql += "," +
           set("search_path", statement.search_path.empty() ? "pg_catalog" : statement.search_path);
  }
  return sql;
}

}  // namespace

Error Connection::ErrorOf(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (!state) {
    Error error = ConnectError(PQresultErrorMessage(result));
    if (error.message.empty()) error.message = "no answer from the server";
    return error;
  }
  return Error(CodeOfSqlstate(state), primary ? primary : PQresultErrorMessage(result), state);
}

/// The answers of one Run, taken from libpq in the order of sending.
class Connection::Pipeline {
 public:
  Pipeline(const AnswerSink& sink, Cost& cost, bool mend) : sink_(sink), cost_(cost), mend_(mend) {}

  void Sent(int syncs) { sent_.push_back(Sending(syncs, SteadyClock::now())); }
  std::size_t sent() const { return sent_.size(); }
  std::size_t answered() const { return answered_; }

  /// Takes what has come whole; false where a result is refused.
  bool TakeAll(PGconn* conn) {
    // libpq gives a null between the results of two statements; two in a row: nothing is there.
    for (int nulls = 0; nulls < 2 && answered_ < sent_.size() && !PQisBusy(conn);) {
      PgResult result(PQgetResult(conn));
      if (!result) {
        ++nulls;
        continue;
      }
      nulls = 0;
      if (!Take(std::move(result))) return false;
    }
    return true;
  }

  /// Why a result was refused.
  const std::string& refused() const { return refused_; }

  /// The error of the statement under way, e.g. the server's last words before it hung up.
  const std::optional<Error>& error() const { return error_; }

 private:
  struct Sending {
    Sending(int syncs, TimePoint at) : syncs(syncs), at(at) {}
    int syncs;
    TimePoint at;
    int syncs_seen = 0;
  };

  /// Takes one result of libpq; false when it is refused.
  bool Take(PgResult result) {
    switch (PQresultStatus(result.get())) {
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
      case PGRES_EMPTY_QUERY:
        if (sent_[answered_].syncs_seen == 0) rows_ = std::move(result);
        return true;
      case PGRES_FATAL_ERROR:
        if (!error_) error_.emplace(ErrorOf(result.get()));
        return true;
      case PGRES_PIPELINE_ABORTED:  // stands behind an error within one statement's transaction
        return true;
      case PGRES_PIPELINE_SYNC:
        return ++sent_[answered_].syncs_seen < sent_[answered_].syncs || Finish();
      default:
        refused_ = "a statement that cannot run in a pipeline (COPY?)";
        return false;
    }
  }

  /// False where the answer is too large.
  bool Finish() {
    const std::uint64_t bytes = rows_ ? RowBytes(rows_.get()) : 0;
    cost_.received_bytes += bytes;
    if (bytes > kMostAnswerBytes) {
      rows_.reset();
      refused_ = "the answer has " + std::to_string(bytes >> 20U) + " MiB, more than " +
                 std::to_string(kMostAnswerBytes >> 20U);
      return false;
    }
    const TimePoint now = SteadyClock::now();
    const Duration took = now - std::max(sent_[answered_].at, previous_);
    previous_ = now;
    const std::size_t index = answered_++;
    cost_.query_seconds += Seconds(took);
    if (error_) {
      Error error = *std::move(error_);
      error_.reset();
      rows_.reset();
      sink_(index, Answer(std::move(error), took));
    } else {
      std::unique_ptr<collectors::Rows> rows =
          std::make_unique<ResultRows>(std::move(rows_), mend_);
      sink_(index, Answer(std::move(rows), took));
    }
    return true;
  }

  const AnswerSink& sink_;
  Cost& cost_;
  bool mend_;  ///< texts may not be UTF-8
  std::vector<Sending> sent_;
  std::size_t answered_ = 0;
  TimePoint previous_;
  PgResult rows_;
  std::optional<Error> error_;
  std::string refused_;
};

Connection::Connection(PgConn conn, net::any_io_executor executor, milliseconds session_timeout,
                       bool bare, std::shared_ptr<Cost> cost)
    : conn_(std::move(conn)),
      socket_(std::move(executor)),
      session_timeout_(session_timeout),
      bare_(bare),
      cost_(std::move(cost)),
      certificate_not_after_(CertificateNotAfter(conn_.get())),
      heard_(SteadyClock::now()) {
  PQsetnonblocking(conn_.get(), 1);
  PQenterPipelineMode(conn_.get());
  socket_.Assign(PQsocket(conn_.get()));
}

Connection::~Connection() { socket_.Release(); }

std::shared_ptr<Leaving> Connection::Leave(std::shared_ptr<void> place) {
  socket_.Release();
  if (!conn_ || PQstatus(conn_.get()) != CONNECTION_OK) return nullptr;
  return Leaving::From(std::move(conn_), socket_.executor(), std::move(place));
}

bool Connection::any_encoding() const {
  const char* encoding = PQparameterStatus(conn_.get(), "server_encoding");
  return encoding && std::string_view(encoding) == kAnyEncoding;
}

bool Connection::AsciiClient() const {
  const char* encoding = PQparameterStatus(conn_.get(), "client_encoding");
  return encoding && std::string_view(encoding) == kAnyEncoding;
}

Error Connection::Broken() const {
  Error error = ConnectError(PQerrorMessage(conn_.get()));
  if (error.message.empty()) error.message = "the server closed the connection";
  return error;
}

/// Answers that have come before the end, and a dying server's last words, may still be in the
/// buffer: they tell more than the end itself.
Error Connection::Lost(Pipeline& pipeline) const {
  pipeline.TakeAll(conn_.get());
  return pipeline.error().value_or(Broken());
}

bool Connection::NeedsSettings(const Statement& statement) const {
  return bare_ || !statement.search_path.empty() || !Near(session_timeout_, statement.timeout);
}

bool Connection::Send(const Statement& statement) {
  PGconn* conn = conn_.get();
  if (!NeedsSettings(statement)) {
    ++cost_->statements;
    return SendOne(conn, statement.sql.c_str()) && PQpipelineSync(conn);
  }
  cost_->statements += kWithSettings;
  // COMMIT has a Sync of its own: it ends the transaction after an error, too.
  const char* const end = statement.search_path.empty() ? "COMMIT" : "ROLLBACK";
  return SendOne(conn, "BEGIN READ ONLY") &&
         SendOne(conn, LocalSettings(statement, bare_).c_str()) &&
         SendOne(conn, statement.sql.c_str()) && PQpipelineSync(conn) && SendOne(conn, end) &&
         PQpipelineSync(conn);
}

net::awaitable<Status> Connection::Run(std::vector<Statement> statements, TimePoint deadline,
                                       AnswerSink sink) {
  PGconn* conn = conn_.get();
  Pipeline pipeline(sink, *cost_, AsciiClient());
  while (pipeline.answered() < statements.size()) {
    while (pipeline.sent() < statements.size() &&
           pipeline.sent() - pipeline.answered() < kInFlight) {
      const Statement& next = statements[pipeline.sent()];
      pipeline.Sent(NeedsSettings(next) ? 2 : 1);
      if (!Send(next)) co_return Lost(pipeline);
    }
    const int unsent = PQflush(conn);
    if (unsent < 0) co_return Lost(pipeline);
    const std::size_t before = pipeline.answered();
    if (!pipeline.TakeAll(conn)) {
      co_return Error(ErrorCode::kInternal, pipeline.refused());
    }
    if (pipeline.answered() > before) continue;  // room in the pipeline: send before waiting
    if (PQstatus(conn) == CONNECTION_BAD) co_return Lost(pipeline);
    if (SteadyClock::now() >= deadline) {
      co_return Error(ErrorCode::kTimeout, "no answer before the deadline");
    }
    const Wake wake = co_await socket_.Wait(true, unsent > 0, deadline);
    if (wake == Wake::kStopped) co_return Error(ErrorCode::kUnavailable, "shutting down");
    if (wake == Wake::kDeadline) {
      co_return Error(ErrorCode::kTimeout, "no answer before the deadline");
    }
    heard_ = SteadyClock::now();
    if (!PQconsumeInput(conn)) co_return Lost(pipeline);
  }
  co_return Status();
}

PgCancel Connection::Canceller() const {
  if (SteadyClock::now() - heard_ > kHeardLately) return nullptr;
  return PgCancel(PQgetCancel(conn_.get()));
}

}  // namespace pgbeacon::pg
