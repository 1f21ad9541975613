// LogService: all that `serve` does with logs: the pipeline with its sources and its state, the
// hub, and the endpoints /logplex and /logs.
//
// Example:
//   LogService logs(setup, flags, events, io.get_executor(), pool, calls);
//   Status opened = logs.Open(server);
//   logs.Start();
//   const Families families = co_await logs.Collect(deadline);
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/families.h"
#include "base/result.h"
#include "exporter/cli/options.h"
#include "exporter/fanout/drains.h"
#include "exporter/fanout/hub.h"
#include "exporter/http/server.h"
#include "exporter/ingest/log_pipeline.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/web/logplex_input.h"
#include "exporter/web/logs.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::cli {

/// On the executor's one thread. Borrows all that it is made of.
class LogService {
 public:
  /// `pool`: for what takes a processor; `calls`: for files and name servers, which may hang.
  LogService(const Setup& setup, const ServeFlags& flags, const log::Catalogue& events,
             net::any_io_executor executor, net::BlockingPool& pool, net::BlockingPool& calls);

  /// Opens the state and the listeners and adds the endpoints. An Error tells what to do.
  Status Open(http::Server& server);
  void Start();
  /// Ends what reads logs and commits what was counted.
  void Stop();

  bool ready() const { return pipeline_.ready(); }
  void SetServerPrefix(const std::string& server, const std::string& prefix) {
    pipeline_.SetServerPrefix(server, prefix);
  }

  /// What the logs said up to now, as far as it can be committed in time.
  /// `shows` is asked for each server with a log.
  net::awaitable<Families> Collect(TimePoint deadline,
                                   std::function<bool(const std::string& server)> shows);
  /// The same of one server alone.
  net::awaitable<Families> CollectOf(std::string server, TimePoint deadline);

  /// Nothing where nobody reads lines.
  fanout::Hub* hub() { return hub_.get(); }

 private:
  net::awaitable<void> Commit(TimePoint deadline);
  Status OpenState();
  Status OpenListeners();

  const Setup& setup_;
  const ServeFlags& flags_;
  net::any_io_executor executor_;
  net::BlockingPool& pool_;
  std::unique_ptr<fanout::Hub> hub_;
  fanout::Drains drains_;
  ingest::LogPipeline pipeline_;
  std::unique_ptr<web::LogplexInput> logplex_;
  std::unique_ptr<web::Logs> logs_;
};

/// Whether a log is read or taken at all.
bool HasLogSources(const config::Config& config, const ServeFlags& flags);

}  // namespace pgbeacon::cli
