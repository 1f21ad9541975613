#include <fmt/format.h>

#include <cstdio>

#include "exporter/cli/commands.h"

namespace pgbeacon::cli {
namespace {

int Fail(const std::string& file, const std::string& message) {
  std::fputs(fmt::format("{}\npgbeacon: {} is not valid\n", message, file).c_str(), stderr);
  return 1;
}

}  // namespace

int RunConfigCheck(const std::string& file) {
  TargetFlags flags;
  flags.config_file = file;
  const auto no_environment = [](const std::string&) { return std::optional<std::string>(); };
  Result<Setup> setup = Prepare(flags, no_environment);
  if (!setup.ok()) return Fail(file, setup.error().message);
  const Result<log::Catalogue> events = config::LoadEvents(setup->config);
  if (!events.ok()) return Fail(file, events.error().message);
  if (!setup->config.errors->empty()) return Fail(file, setup->config.errors->ToError().message);
  std::fputs(
      fmt::format("{} is valid: {} target(s), {} log source(s), {} collectors, {} log events\n",
                  file, setup->config.target ? 1 : 0,
                  setup->config.sources.size() +
                      (setup->config.target ? setup->config.target->sources.size() : 0),
                  setup->collectors.collectors().size(), events->rows().size())
          .c_str(),
      stdout);
  return 0;
}

}  // namespace pgbeacon::cli
