#include "exporter/cli/one_shot.h"

#include <cstdio>
#include <exception>

#include "base/clock.h"
#include "exporter/cli/leaving.h"

namespace pgbeacon::cli {
namespace {

constexpr std::size_t kMostCalls = 16;

using Work = std::function<net::awaitable<int>(scrape::Target&, TimePoint)>;

net::awaitable<int> RunAndClose(scrape::Target& target, TimePoint deadline, const Work& work) {
  const int status = co_await work(target, deadline);
  co_await target.Close();
  co_return status;
}

}  // namespace

int RunOneShot(const Setup& setup, int no_target, const Work& work) {
  if (!setup.config.target) {
    std::fputs(
        "pgbeacon: no server named: set DATA_SOURCE_NAME or DATABASE_URL (or PGHOST ...), give "
        "--dsn, "
        "or `targets:` in --config.file\n",
        stderr);
    return no_target;
  }
  Leaving leaving;
  net::asio::io_context io{1};
  net::BlockingPool pool(2, kMostCalls);
  scrape::TargetOptions options = ToTargetOptions(setup);
  options.discovery.on = false;  // one answer about the server, soon
  scrape::Target target(io.get_executor(), pool, *setup.collectors, std::move(options));
  int status = 1;
  const TimePoint deadline = SteadyClock::now() + setup.collection_timeout;
  net::asio::co_spawn(io, RunAndClose(target, deadline, work),
                      [&](std::exception_ptr failure, int result) {
                        status = result;
                        if (failure) {
                          status = 1;
                          std::fputs("pgbeacon: internal error\n", stderr);
                        }
                        io.stop();  // a name server or a file may hang
                      });
  io.run();
  io.restart();
  io.run_for(Leaving::kPatience);  // sessions end in good order
  leaving.Within(Leaving::kPatience, status);
  return status;
}

}  // namespace pgbeacon::cli
