// Native: what a target's page has that is no SQL of the server: the host and control group it runs
// on, its poolers, Patroni, pgBackRest and other backups. Each is fetched on its own, at scrapes or
// by interval in the background; one that hangs or answers nonsense costs its own part of the page.
//
// Example:
//   Native native(executor, pool, target, options);
//   target.OnFacts([&](const auto& facts) { native.SetFacts(facts); });
//   Families families = co_await native.Collect(request_came_at, deadline);
//
// All members are called on the executor's one thread. Destroyed before the executor and the pool.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "collectors/engine/facts.h"
#include "collectors/engine/plan.h"
#include "exporter/config/native.h"
#include "exporter/native/job.h"
#include "exporter/native/server.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/net/event.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::native {

struct Options {
  std::string server;  ///< the target's name
  bool local = false;  ///< the connection string names this machine
  config::Native sources;
  collectors::Selection selection;  ///< by collectors/native/names.h: enabled, interval, timeout
};

class Native {
 public:
  Native(net::any_io_executor executor, net::BlockingPool& pool, scrape::Target& target,
         Options options);
  ~Native();
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  /// What the server told about itself last.
  void SetFacts(const collectors::ServerFacts& facts);

  /// Starts what is due, so that Collect finds it under way. What is fetched at every scrape is not
  /// fetched again where that has been done since `asked`, when the scrape came.
  void Begin(TimePoint asked, TimePoint deadline, const scrape::Only& only = {});

  /// What there is by the deadline; what is not is marked failed. Never fails.
  net::awaitable<Families> Collect(TimePoint asked, TimePoint deadline, scrape::Only only = {});

  /// Ends what is running.
  net::awaitable<void> Close();

 private:
  struct Entry;
  static net::awaitable<void> Run(std::shared_ptr<Entry> entry, TimePoint deadline);

  void Add(std::unique_ptr<Job> job);
  void Start(const std::shared_ptr<Entry>& entry, TimePoint deadline);
  Families Page(TimePoint asked, const scrape::Only& only);
  void Stop();

  net::any_io_executor executor_;
  Options options_;
  Server server_;
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
  std::vector<std::shared_ptr<Entry>> entries_;
};

}  // namespace pgbeacon::native
