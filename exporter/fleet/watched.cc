#include "exporter/fleet/watched.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "exporter/scrape/naming.h"

namespace pgbeacon::fleet {

Watched::Watched(net::any_io_executor executor, net::BlockingPool& pool, net::Lanes lanes,
                 std::shared_ptr<const collectors::Catalogue> catalogue, WatchedOptions options,
                 OnFacts on_facts)
    : options_(std::move(options)),
      catalogue_(std::move(catalogue)),
      target_(executor, lanes, *catalogue_, options_.target),
      native_(executor, pool, target_, options_.native) {
  target_.OnFacts([this, on_facts = std::move(on_facts)](const collectors::ServerFacts& facts) {
    native_.SetFacts(facts);
    on_facts(name(), facts);
  });
  if (options_.samples) samples_ = options_.samples(target_);
  if (samples_) samples_->Start();
}

net::awaitable<Families> Watched::Page(Asked asked) {
  if (attempted()) native_.Begin(asked.asked, asked.deadline, asked.only);
  Families page = co_await target_.Scrape(asked.deadline, asked.only);
  Families native = co_await native_.Collect(asked.asked, asked.deadline, asked.only);
  std::ranges::move(native, std::back_inserter(page));
  Note(page, asked.asked);
  metrics::AppendScrapeStats(stats_, page);
  if (asked.labels) scrape::ApplyLabels({.labels = options_.labels}, page);
  co_return page;
}

void Watched::Note(const Families& page, TimePoint asked) {
  ++stats_.scrapes;
  stats_.last_seconds = Seconds(SteadyClock::now() - asked);
  stats_.last_failed = std::ranges::any_of(page, [](const Family& family) {
    return family.name == "pg_scrape_collector_success" &&
           std::ranges::any_of(family.metric,
                               [](const auto& metric) { return metric.gauge.value == 0; });
  });
}

net::awaitable<void> Watched::First(TimePoint deadline) {
  const Families page = co_await target_.Scrape(deadline);
  native_.Begin(SteadyClock::now(), deadline);
}

net::awaitable<void> Watched::Close() {
  if (samples_) samples_->Stop();
  co_await target_.Close();
  co_await native_.Close();
}

}  // namespace pgbeacon::fleet
