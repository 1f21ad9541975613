// Syslog over TCP has no answer: a line counts as delivered when the system has taken all of it.
#include <optional>
#include <utility>

#include "exporter/fanout/drain.h"
#include "exporter/net/stream_client.h"

namespace pgbeacon::fanout {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 10;  // written at once

class SyslogDrain : public Drain {
 public:
  SyslogDrain(const net::any_io_executor& executor, net::BlockingPool& pool,
              const DrainOptions& options)
      : Drain(executor, options),
        stream_(executor, pool, options.address.url.host, options.address.url.port,
                options.address.url.tls ? std::optional(options.tls) : std::nullopt) {}

 private:
  net::awaitable<void> Deliver() override {
    if (!stream_.open()) {
      const Status connected = co_await stream_.Connect(options().times.connect);
      if (stopped()) co_return;
      if (!connected.ok()) {
        const DrainFailure failure = FailureOf(connected.error().code);
        co_await Failed(failure, connected.error().message);
        co_return;
      }
    }
    const DrainFrame frame = Next(kMostBytes);
    const std::size_t written = co_await stream_.Write(frame.body, options().times.write);
    if (written == frame.body.size()) {
      Delivered(frame);
      co_return;
    }
    PutBack(frame, written);
    if (stopped()) co_return;
    const Error lost = stream_.failure();
    co_await Failed(FailureOf(lost.code), lost.message);
  }

  void Disconnect() override { stream_.Close(); }

  net::StreamClient stream_;
};

}  // namespace

std::shared_ptr<Drain> MakeSyslogDrain(const net::any_io_executor& executor,
                                       net::BlockingPool& pool, DrainOptions options) {
  return std::make_shared<SyslogDrain>(executor, pool, options);
}

}  // namespace pgbeacon::fanout
