// Watched: one target with all that its page has: the server's statistics and what is no SQL of it.
//
// Example:
//   Watched watched(executor, pool, lanes, catalogue, options);
//   Families page = co_await watched.Page({.asked = now, .deadline = deadline});
//
// All members are called on the executor's one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/families.h"
#include "collectors/engine/spec.h"
#include "exporter/config/sample.h"
#include "exporter/fleet/health.h"
#include "exporter/metrics/self.h"
#include "exporter/native/native.h"
#include "exporter/net/asio.h"
#include "exporter/net/event.h"
#include "exporter/net/lanes.h"
#include "exporter/sample/sample_loop.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::fleet {

struct WatchedOptions {
  scrape::TargetOptions target;
  native::Options native;
  Labels labels;  ///< on every series, where a page is asked for with them
  /// Makes what writes its sample# records; none: nothing is written.
  std::function<std::unique_ptr<sample::SampleLoop>(scrape::Target&)> samples;
  config::Limits limits;  ///< of its plan
  std::shared_ptr<const scrape::Thresholds> thresholds;
  /// Told of each check that has changed; may be empty.
  std::function<void(const std::string& target, const CheckChange& change)> on_check;
  std::string text;  ///< all that was said of it but for labels: of the same text is the same
};

/// Appends pgbeacon_limit, where there is a limit.
void AppendLimits(const config::Limits& limits, Families& page);

/// What a request asks of a page.
struct Asked {
  TimePoint asked;  ///< when it came
  TimePoint deadline;
  scrape::Only only;
  bool labels = true;  ///< the target's own stand on its series
};

class Watched {
 public:
  using OnFacts = std::function<void(const std::string& name, const collectors::ServerFacts&)>;

  Watched(net::any_io_executor executor, net::BlockingPool& pool, net::Lanes lanes,
          std::shared_ptr<const collectors::Catalogue> catalogue, WatchedOptions options,
          OnFacts on_facts);
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  /// Always answers by the deadline. What it is asked of must outlive the call.
  net::awaitable<Families> Page(Asked asked);

  /// A run for the checks alone, by the deadline.
  net::awaitable<void> Refresh(TimePoint deadline);
  /// What its last run means, as of the last page of all collectors.
  const Health& health() const { return health_; }

  /// Learns the server's version and role before anybody asks for a page.
  net::awaitable<void> First(TimePoint deadline);

  scrape::Target& target() { return target_; }
  const collectors::Catalogue& catalogue() const { return *catalogue_; }
  const WatchedOptions& options() const { return options_; }
  /// Goes on under other labels.
  void SetLabels(Labels labels) { options_.labels = std::move(labels); }
  const std::string& name() const { return options_.target.name; }
  bool attempted() const { return target_.attempted(); }

  net::awaitable<void> Close();

 private:
  /// What was last read of the host, shared with the read under way.
  struct HostRead {
    explicit HostRead(net::any_io_executor executor) : done(std::move(executor)) {}
    net::Event done;
    std::optional<collectors::Host> host;
  };

  net::awaitable<Families> Gather(Asked asked);
  void Note(const Families& page, TimePoint asked);
  void ReadHost();
  void Judge(const Families& page);

  net::any_io_executor executor_;
  net::BlockingPool& pool_;
  WatchedOptions options_;
  std::shared_ptr<const collectors::Catalogue> catalogue_;
  scrape::Target target_;
  native::Native native_;
  std::unique_ptr<sample::SampleLoop> samples_;
  metrics::ScrapeStats stats_;
  std::string data_directory_ = "/";
  std::shared_ptr<HostRead> host_;
  Health health_;
};

}  // namespace pgbeacon::fleet
