#include "exporter/fanout/drain.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "base/clock.h"

namespace pgbeacon::fanout {
namespace {

std::int64_t Now() { return static_cast<std::int64_t>(UnixNow()); }

void TellFault(const std::exception_ptr& fault) {
  if (!fault) return;
  try {
    std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    spdlog::error("a drain ended: {}", error.what());
  }
}

}  // namespace

DrainFailure FailureOf(ErrorCode code) {
  if (code == ErrorCode::kTimeout) return DrainFailure::kTimeout;
  if (code == ErrorCode::kInvalid) return DrainFailure::kInvalid;
  return DrainFailure::kConnection;
}

Drain::Drain(const net::any_io_executor& executor, DrainOptions options)
    : executor_(executor),
      options_(std::move(options)),
      form_{options_.address.kind, options_.token},
      buffer_(options_.lines, options_.bytes),
      backoff_(options_.times.first_pause, options_.times.most_pause),
      news_(executor),
      pause_(executor) {
  figures_.name = options_.name;
  figures_.kind = options_.address.kind;
}

Drain::~Drain() = default;

void Drain::Start(Hub& hub) {
  SubscriptionLimits limits;
  limits.lines = options_.lines;
  limits.bytes = options_.bytes;
  const auto wake = [executor = executor_, weak = weak_from_this()] {
    net::asio::post(executor, [weak] {
      if (const std::shared_ptr<Drain> self = weak.lock()) self->Fetch();
    });
  };
  subscription_ = hub.Subscribe(options_.filter, limits, wake);
  net::asio::co_spawn(executor_, Run(shared_from_this()), TellFault);
}

void Drain::Stop() {
  stopped_ = true;
  subscription_.reset();
  news_.cancel();
  pause_.cancel();
  Disconnect();
}

void Drain::Fetch() {
  if (!subscription_) return;
  Subscription::Batch batch = subscription_->Take(SIZE_MAX);
  Loss missed;
  missed.lines = batch.dropped;
  missed.since_unix = batch.dropped_since_unix;
  buffer_.AddLoss(missed);
  figures_.dropped += batch.dropped;
  const std::int64_t now = Now();
  for (EntryPtr& entry : batch.lines) figures_.dropped += buffer_.Add(std::move(entry), now);
  news_.cancel();
}

net::awaitable<void> Drain::Run(std::shared_ptr<Drain> self) {
  while (!self->stopped_) {
    if (self->buffer_.size() > 0) {
      co_await self->Deliver();
    } else {
      self->news_.expires_at(TimePoint::max());
      co_await self->news_.async_wait(net::kNoThrow);
    }
  }
}

DrainFigures Drain::figures() const {
  DrainFigures figures = figures_;
  figures.buffered = buffer_.size() + in_flight_;
  return figures;
}

DrainFrame Drain::Next(std::size_t most_bytes) {
  DrainFrame frame = TakeFrame(buffer_, form_, most_bytes, Now());
  in_flight_ = frame.lines.size();
  return frame;
}

void Drain::Tell(bool up, const std::string& why) {
  const bool news = figures_.up != up;
  const bool first = !figures_.up;
  figures_.up = up;
  if (!news) return;
  if (!up) {
    spdlog::warn("drain={} {}; trying again, the oldest of more than {} lines are dropped",
                 options_.name, why, options_.lines);
  } else {
    spdlog::info("drain={} {}", options_.name, first ? "delivers" : "delivers again");
  }
}

void Drain::Delivered(const DrainFrame& frame) {
  in_flight_ = 0;
  figures_.delivered += frame.lines.size();
  figures_.last_success_unix = UnixNow();
  backoff_.Reset();
  Tell(true, "");
}

net::awaitable<void> Drain::Failed(DrainFailure failure, std::string why) {
  ++figures_.failures[static_cast<std::size_t>(failure)];
  Tell(false, why);
  if (stopped_) co_return;
  pause_.expires_after(backoff_.Next());
  co_await pause_.async_wait(net::kNoThrow);
}

void Drain::Lose(const DrainFrame& frame, std::uint64_t& counter) {
  in_flight_ = 0;
  counter += frame.lines.size();
  Loss loss;
  loss.lines = frame.lines.size();
  loss.since_unix = Now();
  buffer_.AddLoss(loss);
  buffer_.AddLoss(frame.loss);
}

void Drain::PutBack(const DrainFrame& frame, std::size_t sent_bytes) {
  in_flight_ = 0;
  if (frame.loss_end > sent_bytes) buffer_.AddLoss(frame.loss);
  std::vector<EntryPtr> unsent;
  for (std::size_t i = 0; i < frame.lines.size(); ++i) {
    if (frame.ends[i] > sent_bytes) unsent.push_back(frame.lines[i]);
  }
  const std::size_t sent = frame.lines.size() - unsent.size();
  figures_.delivered += sent;
  if (sent > 0) figures_.last_success_unix = UnixNow();
  figures_.dropped += buffer_.PutBack(unsent, Now());
}

}  // namespace pgbeacon::fanout
