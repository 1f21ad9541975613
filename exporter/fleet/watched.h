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
#include <string>

#include "base/clock.h"
#include "base/families.h"
#include "collectors/engine/spec.h"
#include "exporter/metrics/self.h"
#include "exporter/native/native.h"
#include "exporter/net/asio.h"
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
  std::string text;  ///< all that was said of it: of the same text is the same
};

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

  /// Learns the server's version and role before anybody asks for a page.
  net::awaitable<void> First(TimePoint deadline);

  scrape::Target& target() { return target_; }
  const collectors::Catalogue& catalogue() const { return *catalogue_; }
  const WatchedOptions& options() const { return options_; }
  const std::string& name() const { return options_.target.name; }
  bool attempted() const { return target_.attempted(); }

  net::awaitable<void> Close();

 private:
  void Note(const Families& page, TimePoint asked);

  WatchedOptions options_;
  std::shared_ptr<const collectors::Catalogue> catalogue_;
  scrape::Target target_;
  native::Native native_;
  std::unique_ptr<sample::SampleLoop> samples_;
  metrics::ScrapeStats stats_;
};

}  // namespace pgbeacon::fleet
