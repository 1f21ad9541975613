// SampleLoop: a server's sample# record on an interval, for as long as the exporter serves.
//
// Example:
//   SampleLoop loop(io.get_executor(), std::move(sampler), "orders", 60s, [&](const std::string&
//   line) { hub.Add({.server = "orders", .source = kSource, .process = kProcess, .text = line});
//   }); loop.Start();
//   ...
//   loop.Stop();   // before the target is closed
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "exporter/net/asio.h"
#include "exporter/sample/sampler.h"

namespace pgbeacon::sample {

/// On the executor's one thread. The target and the pool of the sampler must live until the
/// executor has run what Stop leaves.
class SampleLoop {
 public:
  using OnLine = std::function<void(const std::string& line)>;

  /// `name`: of the target, for the log. `on_line` is called with each record.
  SampleLoop(net::any_io_executor executor, std::unique_ptr<Sampler> sampler, std::string name,
             std::chrono::milliseconds interval, OnLine on_line);
  ~SampleLoop();
  SampleLoop(const SampleLoop&) = delete;
  SampleLoop& operator=(const SampleLoop&) = delete;

  /// The first record comes somewhere within the first interval, so that many exporters do not ask
  /// at once. A record that cannot be had is left out; why is logged once per change.
  void Start();
  void Stop();

 private:
  struct State;
  static net::awaitable<void> Run(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with the running coroutine
};

}  // namespace pgbeacon::sample
