#include "exporter/pg/attempt.h"

#include <spdlog/spdlog.h>

#include <string>
#include <vector>

#include "exporter/pg/login_files.h"
#include "exporter/pg/up_reason.h"

namespace pgbeacon::pg {
namespace {

constexpr int kTries = 5;  // as it is, without options, with and without the client check, any text
constexpr int kChecksClient = 140000;
constexpr std::chrono::seconds kFilePatience{1};  // until a file is told that does not answer

Error Stopping() { return Error(ErrorCode::kUnavailable, "shutting down"); }

}  // namespace

Attempt::Attempt(net::any_io_executor executor, net::BlockingPool& pool,
                 std::shared_ptr<Login> login, std::chrono::milliseconds statement_timeout,
                 TimePoint deadline)
    : pool_(pool),
      login_(std::move(login)),
      statement_timeout_(statement_timeout),
      deadline_(deadline),
      lease_(SteadyClock::now() + kPendingLease),
      socket_(executor),
      ended_(executor) {}

std::shared_ptr<Attempt> Attempt::Start(net::any_io_executor executor, net::BlockingPool& pool,
                                        std::shared_ptr<Login> login,
                                        std::chrono::milliseconds statement_timeout,
                                        TimePoint deadline) {
  auto attempt =
      std::make_shared<Attempt>(executor, pool, std::move(login), statement_timeout, deadline);
  net::asio::co_spawn(executor, Drive(attempt),
                      [attempt](std::exception_ptr failure) { attempt->End(failure); });
  return attempt;
}

net::awaitable<void> Attempt::Drive(std::shared_ptr<Attempt> self) {
  Connected connected = co_await self->Connect();
  self->outcome_.emplace(std::move(connected));
}

void Attempt::End(std::exception_ptr failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    outcome_.emplace(Error(ErrorCode::kInternal, std::string("connect: ") + error.what()));
  }
  if (stopped_ && outcome_ && outcome_->ok()) outcome_.emplace(Stopping());
  accepted_ = outcome_ && outcome_->ok();
  ended_.Set();
}

Attempt::Connected Attempt::Take() {
  accepted_ = false;
  if (!outcome_) return Error(ErrorCode::kInternal, "connect: taken twice");
  Connected connected = *std::move(outcome_);
  outcome_.reset();
  return connected;
}

void Attempt::Stop() {
  stopped_ = true;
  socket_.Stop();
  if (checking_) checking_->Stop();
}

bool Attempt::Learn(const Error& refusal) {
  if (refusal.message.find("client_connection_check_interval") != std::string::npos &&
      login_->check_client == CheckClient::kYes) {
    login_->check_client = CheckClient::kNo;
    return true;
  }
  if (refusal.sqlstate == "08P01" && !login_->options_refused &&
      refusal.message.find("startup parameter") != std::string::npos) {
    login_->options_refused = true;
    return true;
  }
  return false;
}

/// Known only now: 13 refuses a connect that asks for the client check, and a database in any
/// encoding has texts that cannot be had as UTF-8. One more connect, once per server and database.
bool Attempt::Learn(const Connection& session) {
  bool again = false;
  if (!login_->options_refused && login_->check_client == CheckClient::kUnknown) {
    again = session.server_version() >= kChecksClient;
    login_->check_client = again ? CheckClient::kYes : CheckClient::kNo;
  }
  if (login_->any_encoding != session.any_encoding()) {
    login_->any_encoding = !login_->any_encoding;
    again = true;
  }
  return again;
}

net::awaitable<Attempt::Connected> Attempt::Connect() {
  for (int tries = 0; tries < kTries; ++tries) {
    Result<PgConn> conn = co_await ConnectOnce();
    if (stopped_) co_return Stopping();
    if (!conn.ok()) {
      accepted_ = false;
      if (Learn(conn.error())) continue;
      co_return conn.error();
    }
    if (login_->without_options()) {
      co_return std::make_unique<Connection>(*std::move(conn), socket_.executor(),
                                             statement_timeout_, /*bare=*/false, login_->cost);
    }
    auto connection =
        std::make_unique<Connection>(*std::move(conn), socket_.executor(), statement_timeout_,
                                     login_->options_refused, login_->cost);
    if (Learn(*connection)) {
      const std::shared_ptr<Leaving> leaving = connection->Leave(nullptr);
      if (leaving) co_await leaving->Wait(lease_);
      continue;
    }
    if (!login_->options_refused) {
      const Status checked = co_await CheckSettings(connection.get());
      if (!checked.ok()) co_return checked.error();
    }
    co_return connection;
  }
  co_return Error(ErrorCode::kUnavailable, "connect: refused with every set of options");
}

net::awaitable<Result<PgConn>> Attempt::ConnectOnce() {
  // A copy: the pool thread must not see this one's lessons change.
  const auto looking = std::make_shared<Looking>();
  const auto start = [login = *login_, timeout = statement_timeout_, begun = begun_, looking] {
    *begun = true;
    return StartLogin(login, timeout, *looking);
  };
  net::asio::steady_timer patience(socket_.executor(), kFilePatience);
  patience.async_wait([looking](const net::error_code& cancelled) {
    const std::string file = looking->at();
    if (!cancelled && !file.empty()) {
      spdlog::warn("connect: no answer from the file system of {}", file);
    }
  });
  Result<PgConn> conn = co_await pool_.Run(start);
  patience.cancel();
  if (!conn.ok()) co_return conn.error();
  PostgresPollingStatusType turn = PGRES_POLLING_WRITING;
  while (turn != PGRES_POLLING_OK) {
    if (stopped_) co_return Stopping();
    if (turn == PGRES_POLLING_FAILED) co_return ConnectError(PQerrorMessage(conn->get()));
    if (!socket_.Assign(PQsocket(conn->get()))) {
      co_return Error(ErrorCode::kInternal, "connect: the socket cannot be watched");
    }
    accepted_ = PQstatus(conn->get()) != CONNECTION_STARTED;
    const bool reading = turn == PGRES_POLLING_READING;
    const TimePoint until = accepted_ ? lease_ : deadline_;
    const Wake wake = co_await socket_.Wait(reading, !reading, until);
    socket_.Release();
    if (wake == Wake::kStopped) co_return Stopping();
    if (wake == Wake::kDeadline) {
      co_return Error(ErrorCode::kTimeout, accepted_ ? "connect: the server took the connection "
                                                       "but does not answer"
                                                     : "connect: no answer from the address");
    }
    turn = co_await Poll(conn->get());
  }
  accepted_ = true;
  co_return std::move(*conn);
}

/// On the pool: libpq opens files, resolves names and computes keys in it.
net::awaitable<PostgresPollingStatusType> Attempt::Poll(PGconn* conn) {
  const auto poll = [conn] { return PQconnectPoll(conn); };
  const PostgresPollingStatusType turn = co_await pool_.Run(poll);
  co_return turn;
}

/// A pooler may take the options and ignore them (PgBouncer's ignore_startup_parameters).
net::awaitable<Status> Attempt::CheckSettings(Connection* connection) {
  std::string lock_timeout;
  bool holds = false;
  const auto take = [&lock_timeout, &holds](std::size_t, Answer answer) {
    if (answer.rows.ok() && answer.rows.value()->rows() == 1) {
      lock_timeout = answer.rows.value()->at(0, 0).value_or("");
    }
    // Somebody has locked a catalogue: that the wait ended shows that the setting is there.
    holds = !answer.rows.ok() && answer.rows.error().code == ErrorCode::kLockTimeout;
  };
  std::vector<Statement> statements;
  statements.emplace_back("SELECT pg_catalog.current_setting('lock_timeout')", statement_timeout_);
  AnswerSink sink = take;
  checking_ = connection;
  const Status answered = co_await connection->Run(std::move(statements), lease_, std::move(sink));
  checking_ = nullptr;
  if (!answered.ok()) co_return answered;
  if (!holds && lock_timeout != std::to_string(kLockTimeout.count()) + "ms") {
    spdlog::info(
        "startup options are ignored on the way to the server: "
        "every statement carries its settings");
    login_->options_refused = true;
    connection->SetBare();
  }
  co_return Status();
}

}  // namespace pgbeacon::pg
