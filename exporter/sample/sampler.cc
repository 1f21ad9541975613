#include "exporter/sample/sampler.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>

#include "exporter/scrape/host.h"
#include "logparse/sample_line.h"

namespace pgbeacon::sample {
namespace {

double ValueOr(const Figures& figures, const char* name, double absent) {
  const auto figure = figures.find(name);
  return figure == figures.end() ? absent : figure->second;
}

/// The host of the server whose session has that process, if it is this one.
std::optional<HostLook> LookForServer(const std::string& data_directory, int backend,
                                      double started, bool own_tmp) {
  const std::optional<int> postmaster = scrape::FindPostmaster(backend, started);
  if (!postmaster) return std::nullopt;
  return LookAtHost(data_directory, *postmaster, own_tmp);
}

}  // namespace

Result<std::unique_ptr<Sampler>> Sampler::Make(scrape::Target& target, net::BlockingPool& pool,
                                               const std::vector<log::SampleSpec>& keys,
                                               SamplerOptions options) {
  Result<collectors::Catalogue> collectors = FigureCollectors();
  if (!collectors.ok()) return collectors.error();
  if (options.addon.empty()) options.addon = target.name();
  return std::unique_ptr<Sampler>(
      new Sampler(target, pool, *std::move(collectors), keys, std::move(options)));
}

net::awaitable<Result<std::string>> Sampler::Sample(TimePoint deadline) {
  const Result<scrape::Asked> asked = co_await target_.Ask(collectors_, deadline);
  if (!asked.ok()) co_return asked.error();
  Figures figures = FromServer(asked->families);
  if (options_.local) {
    const auto setting = asked->facts.settings.find("data_directory");
    const std::string data_directory =
        setting == asked->facts.settings.end() ? std::string() : setting->second;
    const int backend = static_cast<int>(ValueOr(figures, "pg_sample_backend_pid", 0));
    const double started = asked->facts.start_time_seconds;
    const bool own_tmp = ValueOr(figures, "pg_sample_tmp_in_data_directory", 0) == 1;
    const auto look = [=] { return LookForServer(data_directory, backend, started, own_tmp); };
    std::optional<HostLook> now = co_await pool_.Run(look);
    if (now) AddHost(*now, before_, figures);
    before_ = std::move(now);
  }
  AddLimits(options_.limits, figures);
  co_return log::WriteSampleLine(keys_, options_.source, options_.addon, figures);
}

std::string LogHead(double unix_time) {
  double seconds = 0;
  const auto micros = static_cast<int>(std::modf(unix_time, &seconds) * 1e6);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}+00:00 {}[{}]: ",
                     fmt::gmtime(static_cast<std::time_t>(seconds)), micros, kSource, kProcess);
}

}  // namespace pgbeacon::sample
