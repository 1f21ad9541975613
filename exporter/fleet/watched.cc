#include "exporter/fleet/watched.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "exporter/scrape/host.h"
#include "exporter/scrape/naming.h"

namespace pgbeacon::fleet {
namespace {

constexpr std::chrono::milliseconds kHostPatience{500};

/// Whether the host's own collector has found the server here.
bool OnThisHost(const Families& page) {
  return std::ranges::any_of(page, [](const Family& family) {
    return family.name.starts_with("pg_host_") && !family.metric.empty();
  });
}

}  // namespace

void AppendLimits(const config::Limits& limits, Families& page) {
  Family family = NewFamily("pgbeacon_limit", MetricType::Gauge,
                            "What the target's plan allows, as the config file says: connections, "
                            "bytes of the database, operations of 16 KiB per second.");
  const auto add = [&family](const char* kind, const std::optional<double>& limit) {
    if (limit) AddSample(family, {{"kind", kind}}, *limit);
  };
  add("connections", limits.connections);
  add("bytes", limits.bytes);
  add("iops", limits.iops);
  if (!family.metric.empty()) page.push_back(std::move(family));
}

Watched::Watched(net::any_io_executor executor, net::BlockingPool& pool, net::Lanes lanes,
                 std::shared_ptr<const collectors::Catalogue> catalogue, WatchedOptions options,
                 OnFacts on_facts)
    : executor_(executor),
      pool_(pool),
      options_(std::move(options)),
      catalogue_(std::move(catalogue)),
      target_(executor, lanes, *catalogue_, options_.target),
      native_(executor, pool, target_, options_.native) {
  target_.OnFacts([this, on_facts = std::move(on_facts)](const collectors::ServerFacts& facts) {
    native_.SetFacts(facts);
    const auto folder = facts.settings.find("data_directory");
    if (folder != facts.settings.end()) data_directory_ = folder->second;
    on_facts(name(), facts);
  });
  if (options_.samples) samples_ = options_.samples(target_);
  if (samples_) samples_->Start();
}

net::awaitable<Families> Watched::Gather(Asked asked) {
  if (attempted()) native_.Begin(asked.asked, asked.deadline, asked.only);
  if (asked.only.all()) ReadHost();
  Families page = co_await target_.Scrape(asked.deadline, asked.only);
  Families native = co_await native_.Collect(asked.asked, asked.deadline, asked.only);
  std::ranges::move(native, std::back_inserter(page));
  if (asked.only.all()) {
    const std::shared_ptr<HostRead> host = host_;
    const TimePoint patience = std::min(asked.deadline, SteadyClock::now() + kHostPatience);
    if (host) co_await host->done.Wait(patience);
    Judge(page);
    health_.AppendFamilies(page);
  }
  co_return page;
}

net::awaitable<Families> Watched::Page(Asked asked) {
  Families page = co_await Gather(asked);
  Note(page, asked.asked);
  AppendLimits(options_.limits, page);
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
  Judge(page);
}

net::awaitable<void> Watched::Refresh(TimePoint deadline) {
  Asked asked;
  asked.asked = SteadyClock::now();
  asked.deadline = deadline;
  const Families page = co_await Gather(asked);
}

void Watched::ReadHost() {
  if (!options_.native.local || (host_ && !host_->done.happened())) return;
  const auto read = std::make_shared<HostRead>(executor_);
  host_ = read;
  const auto work = [](net::BlockingPool& pool, std::string folder,
                       std::shared_ptr<HostRead> into) -> net::awaitable<void> {
    const auto look = [folder] { return scrape::ReadHost(folder); };
    collectors::Host host = co_await pool.Run(look);
    into->host = std::move(host);
  };
  net::asio::co_spawn(executor_, work(pool_, data_directory_, read),
                      [read](std::exception_ptr failure) {
                        try {
                          if (failure) std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                          spdlog::error("internal error in reading the host: {}", error.what());
                        }
                        read->done.Set();
                      });
}

void Watched::Judge(const Families& page) {
  std::optional<collectors::Host> host;
  if (host_ && OnThisHost(page)) host = host_->host;
  std::vector<scrape::Suite> suites = scrape::RunChecks(page, host);
  const double now = UnixNow();
  if (options_.thresholds) {
    std::vector<scrape::Suite> more = JudgeThresholds(*options_.thresholds, page, now);
    std::ranges::move(more, std::back_inserter(suites));
  }
  for (const CheckChange& change : health_.Update(std::move(suites), now)) {
    const bool well = change.now.status == scrape::CheckStatus::kOk;
    spdlog::log(well ? spdlog::level::info : spdlog::level::warn,
                "target={} check={}/{} status={}: {}", name(), change.suite, change.now.name,
                CheckStatusName(change.now.status), change.now.output);
    if (options_.on_check) options_.on_check(name(), change);
  }
}

net::awaitable<void> Watched::Close() {
  if (samples_) samples_->Stop();
  co_await target_.Close();
  co_await native_.Close();
}

}  // namespace pgbeacon::fleet
