// Attempt: one connect under way. It may outlive the scrape that started it: a server that has
// taken the TCP connection but does not answer (stopped, overloaded) keeps its one pending connect,
// instead of a new one for every scrape, and is found again the moment it answers.
//
// Example:
//   std::shared_ptr<Attempt> attempt = Attempt::Start(executor, pool, login, timeout, deadline);
//   if (co_await attempt->Wait(deadline)) connection = attempt->Take();
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/net/event.h"
#include "exporter/pg/connection.h"
#include "exporter/pg/login.h"
#include "exporter/pg/socket.h"

namespace pgbeacon::pg {

/// How long a server that has taken the connection may take to let us in.
inline constexpr std::chrono::minutes kPendingLease{2};

class Attempt {
 public:
  using Connected = Result<std::unique_ptr<Connection>>;

  /// Starts to connect. `deadline` bounds the time until the peer takes the connection; from then
  /// on it is pending for up to kPendingLease. `login` is shared with later attempts: what this
  /// one learns about the server is kept there.
  static std::shared_ptr<Attempt> Start(net::any_io_executor executor, net::BlockingPool& pool,
                                        std::shared_ptr<Login> login,
                                        std::chrono::milliseconds statement_timeout,
                                        TimePoint deadline);

  /// Whether it has ended by `deadline`, well or not.
  net::awaitable<bool> Wait(TimePoint deadline) { return ended_.Wait(deadline); }
  bool ended() const { return ended_.happened(); }
  /// Whether the server has a backend for it, or will have one as soon as it goes on.
  bool holds_backend() const { return accepted_; }
  /// Whether a thread has taken it on.
  bool begun() const { return *begun_; }

  /// The outcome, once, after it has ended.
  Connected Take();

  /// Ends it soon; what blocks on a pool thread ends when it ends.
  void Stop();

  Attempt(net::any_io_executor executor, net::BlockingPool& pool, std::shared_ptr<Login> login,
          std::chrono::milliseconds statement_timeout, TimePoint deadline);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

 private:
  static net::awaitable<void> Drive(std::shared_ptr<Attempt> self);
  net::awaitable<Connected> Connect();
  net::awaitable<Result<PgConn>> ConnectOnce();
  /// Takes a lesson from a session; whether another one must take its place.
  bool Learn(const Connection& session);
  net::awaitable<PostgresPollingStatusType> Poll(PGconn* conn);
  net::awaitable<Status> CheckSettings(Connection* connection);
  /// Takes a lesson from a refusal; whether another try is worth it.
  bool Learn(const Error& refusal);
  void End(std::exception_ptr failure);

  net::BlockingPool& pool_;
  std::shared_ptr<Login> login_;
  std::chrono::milliseconds statement_timeout_;
  TimePoint deadline_;
  TimePoint lease_;
  Socket socket_;
  net::Event ended_;
  Connection* checking_ = nullptr;
  std::optional<Connected> outcome_;
  bool accepted_ = false;
  std::shared_ptr<std::atomic<bool>> begun_ = std::make_shared<std::atomic<bool>>(false);
  bool stopped_ = false;
};

}  // namespace pgbeacon::pg
