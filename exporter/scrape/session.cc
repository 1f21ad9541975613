#include "exporter/scrape/session.h"

#include <utility>

namespace pgbeacon::scrape {

net::awaitable<Result<pg::Connection*>> Session::Connect(
    std::chrono::milliseconds statement_timeout, TimePoint deadline) {
  return ConnectTo(login_, statement_timeout, deadline);
}

net::awaitable<Result<pg::Connection*>> Session::ConnectTo(
    std::shared_ptr<pg::Login> login, std::chrono::milliseconds statement_timeout,
    TimePoint deadline) {
  if (connection_ && used_ == login) co_return connection_.get();
  Drop();
  if (!login) co_return Error(ErrorCode::kInvalid, "the connection string is not valid");
  for (;;) {
    if (stopped_) co_return Error(ErrorCode::kUnavailable, "shutting down");
    const bool from_before = attempt_ != nullptr;
    if (!attempt_) {
      if (!place_) place_ = co_await backends_->Take(deadline);
      if (stopped_) co_return Error(ErrorCode::kUnavailable, "shutting down");
      if (!place_) {
        co_return Error(ErrorCode::kUnavailable,
                        "timed out: the server has not ended the sessions that were given up");
      }
      attempt_ =
          pg::Attempt::Start(executor_, lanes_.Of(trusted_), login, statement_timeout, deadline);
      used_ = login;
    }
    const std::shared_ptr<pg::Attempt> attempt = attempt_;
    const bool ended = co_await attempt->Wait(deadline);
    if (!ended) {
      trusted_ = false;
      co_return Error(ErrorCode::kTimeout, "connect: no answer before the deadline");
    }
    attempt_.reset();
    pg::Attempt::Connected connected = attempt->Take();
    trusted_ = connected.ok();
    if (connected.ok() && used_ == login) {
      connection_ = *std::move(connected);
      connected_at_ = SteadyClock::now();
      if (stopped_) connection_->Stop();
      co_return connection_.get();
    }
    if (connected.ok()) {
      Leave(**connected);
      continue;
    }
    place_.reset();
    if (!from_before) co_return connected.error();
  }
}

net::awaitable<void> Session::Settle(TimePoint deadline) {
  if (const std::shared_ptr<pg::Attempt> attempt = attempt_) co_await attempt->Wait(deadline);
}

net::awaitable<void> Session::Cancel(net::BlockingPool& pool, std::shared_ptr<PGcancel> cancel) {
  const auto work = [cancel] {
    char refusal[256];
    return PQcancel(cancel.get(), refusal, sizeof refusal);
  };
  co_await pool.Run(work);
}

void Session::Drop(bool running) {
  if (!connection_) return;
  pg::PgCancel cancel;
  if (running && !stopped_ && !canceling_->in_flight) cancel = connection_->Canceller();
  Leave(*connection_);
  connection_.reset();
  if (!cancel) return;
  canceling_->in_flight = true;
  const std::shared_ptr<PGcancel> shared = std::move(cancel);
  net::asio::co_spawn(executor_, Cancel(*lanes_.untrusted, shared),
                      [canceling = canceling_](std::exception_ptr) {
                        canceling->in_flight = false;  // a cancel that fails has nothing to say
                      });
}

void Session::Leave(pg::Connection& connection) {
  const std::shared_ptr<void> place = std::move(place_);
  if (stopped_) return;  // nothing connects any more
  if (auto leaving = connection.Leave(place)) backends_->Leave(std::move(leaving));
}

void Session::Stop() {
  stopped_ = true;
  if (attempt_) attempt_->Stop();
  if (connection_) connection_->Stop();
  backends_->Stop();
}

}  // namespace pgbeacon::scrape
