// `pgbeacon sample`: a server's sample# records as `heroku logs` prints them, so that they can be
// piped into `pgbeacon parse --format heroku`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/cli/options.h"
#include "exporter/sample/sampler.h"

namespace pgbeacon::cli {

struct SampleFlags {
  std::string interval = "60s";
  std::optional<std::int64_t> count;  ///< absent: until a signal comes
  std::string source;                 ///< empty: the config's
  std::string addon;
  std::string output = "text";
};

sample::SamplerOptions ToSamplerOptions(const Setup& setup, const config::Target& target);
/// What the setup's target prints as; only where setup.config.target is set.
sample::SamplerOptions ToSamplerOptions(const Setup& setup);

/// The exit status: 0, 1 when a record could not be had or printed, 128 and the signal's number.
int RunSample(Setup& setup, const SampleFlags& flags);

}  // namespace pgbeacon::cli
