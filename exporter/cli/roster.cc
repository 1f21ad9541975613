#include "exporter/cli/roster.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "exporter/cli/sample.h"
#include "exporter/pg/conninfo.h"
#include "exporter/sample/sample_loop.h"

namespace pgbeacon::cli {
namespace {

std::unique_ptr<sample::SampleLoop> MakeSamples(const SampleParts& parts, scrape::Target& target,
                                                std::chrono::milliseconds interval,
                                                sample::SamplerOptions options) {
  Result<std::unique_ptr<sample::Sampler>> sampler =
      sample::Sampler::Make(target, parts.pool, parts.events.samples(), std::move(options));
  if (!sampler.ok()) {
    spdlog::error("target={}: no sample# records: {}", target.name(), sampler.error().message);
    return nullptr;
  }
  const std::string& server = target.name();
  return std::make_unique<sample::SampleLoop>(parts.executor, *std::move(sampler), server, interval,
                                              [hub = parts.hub, server](const std::string& line) {
                                                hub->Add({.server = server,
                                                          .source = sample::kSource,
                                                          .process = sample::kProcess,
                                                          .text = line});
                                              });
}

/// Changes of checks as lines of the target's log.
void AddToLog(fanout::Hub& hub, const std::string& target, const fleet::CheckChange& change) {
  const auto severity = change.now.status == scrape::CheckStatus::kOk ? log::Severity::kInfo
                        : change.now.status == scrape::CheckStatus::kCritical
                            ? log::Severity::kError
                            : log::Severity::kWarning;
  const std::string text = HealthRecord(change);
  hub.Add({.server = target,
           .source = "pgbeacon",
           .process = "healthcheck",
           .severity = severity,
           .text = text});
}

fleet::WatchedOptions ToWatched(const Setup& setup, const config::Target& target,
                                const SampleParts& parts) {
  const bool main = setup.config.target && &*setup.config.target == &target;
  fleet::WatchedOptions watched;
  watched.target = ToTargetOptions(setup, target);
  watched.target.sampling = main;
  watched.native.server = target.name;
  watched.native.local = pg::IsLocal(target.conninfo);
  watched.native.sources = target.native;
  watched.native.selection = watched.target.selection;
  watched.labels = target.labels;
  watched.limits = target.limits;
  if (parts.hub != nullptr) {
    watched.on_check = [hub = parts.hub](const std::string& name,
                                         const fleet::CheckChange& change) {
      AddToLog(*hub, name, change);
    };
  }
  watched.text = (main ? "main " : "") + target.text + "\n" + target.conninfo;
  if (setup.config.sample && parts.hub != nullptr) {
    sample::SamplerOptions options = ToSamplerOptions(setup, target);
    watched.samples = [parts, interval = setup.config.sample->interval,
                       options = std::move(options)](scrape::Target& asked) {
      return MakeSamples(parts, asked, interval, options);
    };
  }
  return watched;
}

}  // namespace

fleet::Roster ToRoster(const Setup& setup, const SampleParts& samples) {
  fleet::Roster roster;
  roster.catalogue = setup.collectors;
  roster.shared_text = setup.config.shared_text;
  if (setup.config.target) roster.main = setup.config.target->name;
  Result<scrape::Thresholds> read = scrape::BuiltinThresholds();
  std::shared_ptr<const scrape::Thresholds> thresholds;
  if (read.ok()) {
    thresholds = std::make_shared<const scrape::Thresholds>(*std::move(read));
  } else {
    spdlog::error("{}", read.error().message);
  }
  for (const config::Target* target : AllTargets(setup.config)) {
    roster.targets.push_back(ToWatched(setup, *target, samples));
    roster.targets.back().thresholds = thresholds;
  }
  return roster;
}

}  // namespace pgbeacon::cli
