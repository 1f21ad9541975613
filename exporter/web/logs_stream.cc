#include "exporter/web/logs_stream.h"

#include <utility>
#include <vector>

#include "base/clock.h"
#include "exporter/fanout/format.h"
#include "exporter/fanout/line_time.h"

namespace pgbeacon::web {
namespace {

constexpr std::size_t kPiece = std::size_t{64} * 1024;
constexpr std::size_t kTake = 16;
constexpr double kMicroseconds = 1e6;

}  // namespace

/// What the ingest thread holds to wake a stream that may be gone.
struct LogsStream::Wake {
  explicit Wake(const net::any_io_executor& executor) : timer(executor) {}

  net::asio::steady_timer timer;
};

LogsStream::LogsStream(net::any_io_executor executor, fanout::Hub& hub, LogsQuery query,
                       std::uint64_t after, Limits limits)
    : query_(std::move(query)), limits_(limits), wake_(std::make_shared<Wake>(executor)) {
  if (query_.tail) {
    const std::weak_ptr<Wake> held = wake_;
    subscription_ = hub.Subscribe(query_.filter, limits_.waiting, [executor, held] {
      net::asio::post(executor, [held] {
        if (const std::shared_ptr<Wake> wake = held.lock()) wake->timer.cancel();
      });
    });
  }
  TakeLast(hub, after);
}

void LogsStream::TakeLast(fanout::Hub& hub, std::uint64_t after) {
  const std::size_t most = after > 0 ? LogsQuery::kMostLines : query_.num;
  const std::uint64_t up_to = subscription_ ? subscription_->begins_after() : UINT64_MAX;
  std::vector<fanout::EntryPtr> last = hub.Last(query_.filter, most, after, up_to);
  const bool text = query_.form == LogsForm::kText || query_.form == LogsForm::kTextEvents;
  std::size_t lines = 0;
  std::size_t bytes = 0;
  while (!last.empty() && lines < most && bytes + last.back()->bytes() <= limits_.last_bytes) {
    lines += text ? fanout::TextLines(*last.back()) : 1;
    bytes += last.back()->bytes();
    last_.push_front(std::move(last.back()));
    last.pop_back();
  }
  if (lines < most) left_out_ = last.size();
  skip_ = lines > most ? lines - most : 0;
}

void LogsStream::Append(const fanout::Entry& entry, std::size_t skip, std::string& out) const {
  std::string line;
  switch (query_.form) {
    case LogsForm::kText:
      return fanout::AppendText(entry, skip, out);
    case LogsForm::kNdjson:
      return fanout::AppendJson(entry, out);
    case LogsForm::kTextEvents:
      fanout::AppendText(entry, skip, line);
      break;
    case LogsForm::kEvents:
      fanout::AppendJson(entry, line);
      break;
  }
  fanout::AppendEvent(entry.number, line, out);
}

void LogsStream::AppendDropped(std::uint64_t lines, std::int64_t since_unix,
                               std::string& out) const {
  const std::string text = fanout::DroppedNotice(lines, since_unix);
  const std::string time =
      fanout::FormatLineTime(static_cast<std::int64_t>(UnixNow() * kMicroseconds));
  fanout::Entry notice;
  notice.time = time;
  notice.source = "heroku";
  notice.process = "logplex";
  notice.text = text;
  Append(notice, 0, out);
}

std::string LogsStream::NextOfLast() {
  std::string piece;
  if (left_out_ > 0) {
    AppendDropped(std::exchange(left_out_, 0), static_cast<std::int64_t>(UnixNow()), piece);
  }
  while (!last_.empty() && piece.size() < kPiece) {
    Append(*last_.front(), std::exchange(skip_, 0), piece);
    last_.pop_front();
  }
  return piece;
}

std::string LogsStream::NextOfTail() {
  std::string piece;
  while (piece.size() < kPiece) {
    const fanout::Subscription::Batch batch = subscription_->Take(kTake);
    if (batch.dropped > 0) AppendDropped(batch.dropped, batch.dropped_since_unix, piece);
    if (batch.lines.empty()) break;
    for (const fanout::EntryPtr& entry : batch.lines) Append(*entry, 0, piece);
  }
  return piece;
}

net::awaitable<std::string> LogsStream::Next() {
  std::string piece = NextOfLast();
  while (piece.empty() && subscription_ && !ended_) {
    piece = NextOfTail();
    if (!piece.empty()) break;
    if (query_.events()) {
      wake_->timer.expires_after(limits_.heartbeat);
    } else {
      wake_->timer.expires_at(net::asio::steady_timer::time_point::max());
    }
    const auto [woken] = co_await wake_->timer.async_wait(net::kNoThrow);
    if (!woken) piece = ":\n\n";
  }
  if (ended_) piece.clear();
  co_return piece;
}

void LogsStream::End() {
  ended_ = true;
  wake_->timer.cancel();
}

}  // namespace pgbeacon::web
