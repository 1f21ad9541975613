#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "exporter/cli/check_table.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/leaving.h"
#include "exporter/cli/roster.h"
#include "exporter/cli/table.h"
#include "exporter/fleet/fleet.h"
#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"

namespace pgbeacon::cli {
namespace {

using scrape::CheckStatus;

constexpr std::size_t kMostCalls = 16;

/// The worst known status; unknown only when nothing is known.
int ExitStatus(const std::vector<JudgedTarget>& targets) {
  std::vector<scrape::CheckResult> suites;
  for (const JudgedTarget& judged : targets) {
    for (const scrape::Suite& suite : judged.suites)
      suites.push_back({suite.name, suite.status, ""});
  }
  return static_cast<int>(scrape::WorstOf(suites));
}

/// The targets that are asked: the main one, or all. Each answers once, soon.
fleet::Roster ToCheckRoster(const Setup& setup, bool all, const SampleParts& parts) {
  fleet::Roster roster = ToRoster(setup, parts);
  if (!all) {
    std::erase_if(roster.targets, [&roster](const fleet::WatchedOptions& watched) {
      return watched.target.name != roster.main;
    });
  }
  for (fleet::WatchedOptions& watched : roster.targets) {
    watched.target.discovery.on = false;
    watched.target.sampling = false;
    watched.samples = nullptr;
  }
  return roster;
}

net::awaitable<void> Judge(fleet::Fleet& fleet, TimePoint deadline,
                           std::vector<JudgedTarget>& judged) {
  co_await fleet.Refresh(Duration(), deadline);
  for (const auto& [name, watched] : fleet.all()) {
    JudgedTarget target;
    target.target = name;
    target.suites = watched->health().suites();
    if (watched->health().judged_at()) target.age_seconds = 0;
    judged.push_back(std::move(target));
  }
  co_await fleet.Close();
}

}  // namespace

int RunCheck(Setup& setup, Output output, bool all) {
  const bool any = setup.config.target || (all && !setup.config.others.empty());
  if (!any) {
    std::fputs(
        "pgbeacon: no server named: set DATA_SOURCE_NAME or DATABASE_URL (or PGHOST ...), give "
        "--dsn, or `targets:` in --config.file\n",
        stderr);
    return kUnknownStatus;
  }
  const Result<log::Catalogue> events = log::Catalogue::Builtin();
  if (!events.ok()) return kUnknownStatus;
  Leaving leaving;
  net::asio::io_context io{1};
  net::BlockingPool pool(2, kMostCalls);
  fleet::Fleet fleet(io.get_executor(), pool,
                     [](const std::string&, const collectors::ServerFacts&) {});
  fleet.Apply(ToCheckRoster(setup, all, {io.get_executor(), pool, *events, nullptr}));
  std::vector<JudgedTarget> judged;
  const TimePoint deadline = SteadyClock::now() + setup.collection_timeout;
  bool failed = false;
  net::asio::co_spawn(io, Judge(fleet, deadline, judged), [&](std::exception_ptr failure) {
    failed = failure != nullptr;
    io.stop();
  });
  io.run();
  if (failed) {
    std::fputs("pgbeacon: internal error\n", stderr);
    return kUnknownStatus;
  }
  if (output == Output::kJson) {
    std::puts(ChecksJson(judged).c_str());
  } else {
    std::fputs(ChecksTable(judged, WantsColor()).c_str(), stdout);
  }
  leaving.Within(Leaving::kPatience, ExitStatus(judged));
  return ExitStatus(judged);
}

}  // namespace pgbeacon::cli
