// Drain: takes the lines of its filter from the hub and sends them on, in its own time: what waits
// is bounded, and a receiver that is slow or away costs the drain its own oldest lines and nobody
// else anything.
//
// Example:
//   std::shared_ptr<Drain> drain = MakeHttpsDrain(executor, pool, options);
//   drain->Start(hub);
//   drain->figures().delivered;
//   drain->Stop();
//
// All members run on the executor's one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "exporter/fanout/backoff.h"
#include "exporter/fanout/drain_buffer.h"
#include "exporter/fanout/drain_figures.h"
#include "exporter/fanout/drain_frame.h"
#include "exporter/fanout/drain_options.h"
#include "exporter/fanout/hub.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::fanout {

class Drain : public std::enable_shared_from_this<Drain> {
 public:
  Drain(const net::any_io_executor& executor, DrainOptions options);
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  virtual ~Drain();

  /// Lines from now on.
  void Start(Hub& hub);
  /// Ends the connection; what waits is lost.
  void Stop();

  DrainFigures figures() const;

 protected:
  /// Sends some of what waits, or pauses after it could not. Called while something waits.
  virtual net::awaitable<void> Deliver() = 0;
  virtual void Disconnect() = 0;

  const DrainOptions& options() const { return options_; }
  bool stopped() const { return stopped_; }

  DrainFrame Next(std::size_t most_bytes);
  void Delivered(const DrainFrame& frame);
  /// The attempt failed: counts, tells the log of the first of a row, and waits.
  net::awaitable<void> Failed(DrainFailure failure, std::string why);
  /// Neither delivered nor to be sent again; the next frame tells of it.
  void Lose(const DrainFrame& frame, std::uint64_t& counter);
  /// Those that were not sent wait again.
  void PutBack(const DrainFrame& frame, std::size_t sent_bytes);

  DrainFigures figures_;  // but for what `figures()` adds

 private:
  static net::awaitable<void> Run(std::shared_ptr<Drain> self);
  void Fetch();
  void Tell(bool up, const std::string& why);

  const net::any_io_executor executor_;
  const DrainOptions options_;
  const DrainForm form_;
  DrainBuffer buffer_;
  std::size_t in_flight_ = 0;
  Backoff backoff_;
  net::asio::steady_timer news_;   // cancelled when lines came
  net::asio::steady_timer pause_;  // between attempts
  std::unique_ptr<Subscription> subscription_;
  bool stopped_ = false;
};

/// `pool`: for names and files, which may hang.
std::shared_ptr<Drain> MakeSyslogDrain(const net::any_io_executor& executor,
                                       net::BlockingPool& pool, DrainOptions options);
std::shared_ptr<Drain> MakeHttpsDrain(const net::any_io_executor& executor, net::BlockingPool& pool,
                                      DrainOptions options);

/// Of an Error's code.
DrainFailure FailureOf(ErrorCode code);

}  // namespace pgbeacon::fanout
