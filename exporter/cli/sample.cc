#include "exporter/cli/sample.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/json.h"
#include "exporter/cli/leaving.h"
#include "exporter/net/asio.h"
#include "exporter/pg/conninfo.h"
#include "exporter/scrape/target.h"
#include "logparse/sample_line.h"
#include "logparse/sample_value.h"

namespace pgbeacon::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};  // with one record, to begin with a connection

/// A record's figures in base units, read from the record itself.
std::string ToJson(const std::string& line, double now, const std::vector<log::SampleSpec>& keys) {
  const log::SampleLine read = log::ReadSampleLine(line);
  boost::json::object samples;
  for (const log::SampleField& field : read.fields) {
    const auto spec = std::ranges::find(keys, field.key, &log::SampleSpec::key);
    const auto value = log::ReadSampleValue(field.value);
    if (value && spec != keys.end())
      samples[std::string(field.key)] = log::ToBaseUnit(*value, *spec).value_or(0);
  }
  std::string json;
  AppendJson(boost::json::object{{"time", now},
                                 {"source", std::string(read.source)},
                                 {"addon", std::string(read.addon)},
                                 {"samples", std::move(samples)}},
             json);
  return json;
}

/// One run of the command.
class Samples {
 public:
  Samples(const Setup& setup, const log::Catalogue& events, const SampleFlags& flags,
          std::chrono::milliseconds interval)
      : events_(events),
        flags_(flags),
        interval_(interval),
        target_(io_.get_executor(), pool_, *setup.collectors, ToTargetOptions(setup)),
        timer_(io_),
        signals_(io_, SIGINT, SIGTERM) {}

  int Run(sample::SamplerOptions options) {
    Result<std::unique_ptr<sample::Sampler>> sampler =
        sample::Sampler::Make(target_, pool_, events_.samples(), std::move(options));
    if (!sampler.ok()) {
      std::fputs((sampler.error().message + "\n").c_str(), stderr);
      return 1;
    }
    signals_.async_wait([this](const net::error_code& error, int signal) {
      if (error) return;
      status_ = 128 + signal;
      stopped_ = true;
      timer_.cancel();
      net::asio::co_spawn(io_, target_.Close(), [this](std::exception_ptr) { io_.stop(); });
    });
    sampler_ = *std::move(sampler);
    net::asio::co_spawn(io_, Loop(*sampler_), [this](std::exception_ptr failure) {
      if (!stopped_) io_.stop();  // a name server or a file may hang
      if (!failure) return;
      status_ = 1;
      std::fputs("pgbeacon: internal error\n", stderr);
    });
    io_.run();
    io_.restart();
    io_.run_for(Leaving::kPatience);  // sessions end in good order
    return status_;
  }

 private:
  net::awaitable<void> Loop(sample::Sampler& sampler) {
    TimePoint due = SteadyClock::now();
    for (std::int64_t i = 0; !stopped_ && (!flags_.count || i < *flags_.count); ++i) {
      timer_.expires_at(due);
      co_await timer_.async_wait(net::kNoThrow);
      if (stopped_) break;
      const TimePoint deadline = SteadyClock::now() + kPatience;
      const Result<std::string> line = co_await sampler.Sample(deadline);
      if (stopped_) break;
      if (!Print(line)) break;
      due = std::max(due + interval_, SteadyClock::now());
    }
    if (!stopped_) co_await target_.Close();
  }

  /// False when there is nowhere to print to.
  bool Print(const Result<std::string>& line) {
    if (!line.ok()) {
      if (failure_ != line.error().message) spdlog::error("{}", line.error().message);
      failure_ = line.error().message;
      status_ = 1;
      return true;
    }
    failure_.clear();
    const double now = UnixNow();
    const std::string text = flags_.output == "json" ? ToJson(*line, now, events_.samples())
                                                     : sample::LogHead(now) + *line;
    if (std::puts(text.c_str()) >= 0 && std::fflush(stdout) == 0) return true;
    status_ = 1;
    return false;
  }

  const log::Catalogue& events_;
  const SampleFlags& flags_;
  const std::chrono::milliseconds interval_;
  std::unique_ptr<sample::Sampler> sampler_;
  net::asio::io_context io_{1};
  net::BlockingPool pool_;
  scrape::Target target_;
  net::asio::steady_timer timer_;
  net::asio::signal_set signals_;
  std::string failure_;
  int status_ = 0;
  bool stopped_ = false;
};

}  // namespace

sample::SamplerOptions ToSamplerOptions(const Setup& setup) {
  return ToSamplerOptions(setup, *setup.config.target);
}

sample::SamplerOptions ToSamplerOptions(const Setup& setup, const config::Target& target) {
  const bool main = setup.config.target && setup.config.target->name == target.name;
  sample::SamplerOptions options;
  if (setup.config.sample) {
    options.source = setup.config.sample->source;
    if (main) options.addon = setup.config.sample->addon;
  }
  options.limits = {target.limits.connections, target.limits.bytes, target.limits.iops};
  options.local = pg::IsLocal(target.conninfo);
  return options;
}

int RunSample(Setup& setup, const SampleFlags& flags) {
  const std::optional<std::chrono::milliseconds> interval = ParseTime(flags.interval);
  if (!interval || interval->count() < 100) {
    std::fputs("pgbeacon: --interval: expected a time of at least 100ms, such as 60s\n", stderr);
    return kUsageStatus;
  }
  if (!setup.config.target) {
    std::fputs(
        "pgbeacon: no server named: set DATA_SOURCE_NAME or DATABASE_URL (or PGHOST ...), give "
        "--dsn, or `targets:` in --config.file\n",
        stderr);
    return kUsageStatus;
  }
  Result<log::Catalogue> events = log::Catalogue::Builtin();
  if (!events.ok()) {
    std::fputs((events.error().message + "\n").c_str(), stderr);
    return 1;
  }
  sample::SamplerOptions options = ToSamplerOptions(setup);
  if (!flags.source.empty()) options.source = flags.source;
  if (!flags.addon.empty()) options.addon = flags.addon;
  Leaving leaving;
  Samples samples(setup, *events, flags, *interval);
  const int status = samples.Run(std::move(options));
  leaving.Within(Leaving::kPatience, status);
  return status;
}

}  // namespace pgbeacon::cli
