#include "exporter/pg/socket.h"

namespace pgbeacon::pg {

struct Socket::Turn {
  Turn(const net::any_io_executor& executor, TimePoint deadline) : timer(executor, deadline) {}

  void Ready(const net::error_code& error) {
    if (error == net::asio::error::operation_aborted) return;
    ready = true;
    timer.cancel();
  }

  net::asio::steady_timer timer;
  bool ready = false;
};

Socket::Socket(net::any_io_executor executor)
    : executor_(std::move(executor)), descriptor_(executor_) {}

bool Socket::Assign(int descriptor) {
  Release();
  if (descriptor < 0) return false;
  net::error_code error;
  descriptor_.assign(descriptor, error);
  return !error;
}

void Socket::Release() {
  if (descriptor_.is_open()) descriptor_.release();
}

net::awaitable<Wake> Socket::Wait(bool read, bool write, TimePoint deadline) {
  if (stopped_) co_return Wake::kStopped;
  const auto turn = std::make_shared<Turn>(executor_, deadline);
  turn_ = turn;
  const auto ready = [turn](const net::error_code& error) { turn->Ready(error); };
  if (read) descriptor_.async_wait(descriptor_.wait_read, ready);
  if (write) descriptor_.async_wait(descriptor_.wait_write, ready);
  co_await turn->timer.async_wait(net::kNoThrow);
  turn_.reset();
  net::error_code ignored;
  if (descriptor_.is_open()) descriptor_.cancel(ignored);
  if (stopped_) co_return Wake::kStopped;
  co_return turn->ready ? Wake::kReady : Wake::kDeadline;
}

void Socket::Stop() {
  stopped_ = true;
  if (turn_) turn_->timer.cancel();
}

}  // namespace pgbeacon::pg
