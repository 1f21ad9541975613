// Session: what is asked over one connection: nothing yet, a pending connect, or a connection. A
// Target has two, which share its places on the server: see backends.h.
//
// Example:
//   const Result<pg::Connection*> connection = co_await session.Connect(timeout, deadline);
//   ...
//   session.Drop();
#pragma once

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/net/asio.h"
#include "exporter/net/lanes.h"
#include "exporter/pg/attempt.h"
#include "exporter/pg/connection.h"
#include "exporter/pg/login.h"
#include "exporter/scrape/backends.h"

namespace pgbeacon::scrape {

class Session {
 public:
  /// `login` is null where the connection string is not valid: every Connect then fails.
  Session(net::any_io_executor executor, net::Lanes lanes, std::shared_ptr<pg::Login> login)
      : Session(executor, lanes, std::move(login), std::make_shared<Backends>(executor)) {}
  Session(net::any_io_executor executor, net::Lanes lanes, std::shared_ptr<pg::Login> login,
          std::shared_ptr<Backends> backends)
      : executor_(std::move(executor)),
        lanes_(lanes),
        login_(std::move(login)),
        backends_(std::move(backends)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { Stop(); }

  /// The connection there is, else what one connect gives by `deadline`: a pending one from before
  /// is waited for, and one that failed since is made anew. Valid until Drop. An Error, too, where
  /// no place on the server came free.
  net::awaitable<Result<pg::Connection*>> Connect(std::chrono::milliseconds statement_timeout,
                                                  TimePoint deadline);

  /// The same with another login of that server, e.g. to another database.
  net::awaitable<Result<pg::Connection*>> ConnectTo(std::shared_ptr<pg::Login> login,
                                                    std::chrono::milliseconds statement_timeout,
                                                    TimePoint deadline);

  /// Waits until a pending connect has ended.
  net::awaitable<void> Settle(TimePoint deadline);

  bool connected() const { return connection_ != nullptr; }
  Duration age() const { return SteadyClock::now() - connected_at_; }
  bool holds_backend() const { return connection_ || (attempt_ && attempt_->holds_backend()); }

  /// Whether a connect waits for others to leave the threads that connects block on.
  bool queued() const { return attempt_ && !attempt_->begun(); }

  /// Closes the connection. `running`: a statement may be under way there, and is cancelled if the
  /// server has been answering; never twice at a time.
  void Drop(bool running = false);

  /// Makes what is asked over the connection end at once, with an Error.
  void Interrupt() {
    if (connection_) connection_->Stop();
  }

  /// Ends what waits and refuses everything later.
  void Stop();

 private:
  /// Shared with the cancel on the pool thread, which may outlive the Session.
  struct Canceling {
    bool in_flight = false;
  };
  static net::awaitable<void> Cancel(net::BlockingPool& pool, std::shared_ptr<PGcancel> cancel);

  /// Closes `connection`, which keeps the place until its backend is gone.
  void Leave(pg::Connection& connection);

  net::any_io_executor executor_;
  net::Lanes lanes_;
  bool trusted_ = false;  ///< the last connect succeeded
  std::shared_ptr<pg::Login> login_;
  std::shared_ptr<Backends> backends_;
  std::shared_ptr<void> place_;      ///< of the attempt or the connection
  std::shared_ptr<pg::Login> used_;  ///< same
  std::shared_ptr<pg::Attempt> attempt_;
  std::unique_ptr<pg::Connection> connection_;
  TimePoint connected_at_;
  std::shared_ptr<Canceling> canceling_ = std::make_shared<Canceling>();
  bool stopped_ = false;
};

}  // namespace pgbeacon::scrape
