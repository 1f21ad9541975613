#include "exporter/cli/options.h"

#include <utility>

#include "base/clock.h"
#include "base/yaml.h"
#include "exporter/pg/conninfo.h"

namespace pgbeacon::cli {
namespace {

/// The flag's server, else the environment's, else the file's.
Status ChooseTarget(const TargetFlags& flags, const config::Environment& environment,
                    config::Config& config) {
  std::optional<config::Target> chosen;
  if (!flags.dsn.empty()) {
    chosen = config::Target{.conninfo = flags.dsn};
  } else {
    Result<std::optional<config::Target>> found = config::TargetFromEnvironment(environment);
    if (!found.ok()) return found.error();
    chosen = *std::move(found);
  }
  if (chosen) {
    if (config.target) {
      chosen->sources = std::move(config.target->sources);
      chosen->limits = config.target->limits;
      chosen->native = std::move(config.target->native);
    }
    config.target = std::move(chosen);
  }
  if (!config.target) return {};
  const Status valid = pg::CheckConninfo(config.target->conninfo);
  if (!valid.ok()) return valid;
  if (config.target->name.empty()) config.target->name = pg::ServerName(config.target->conninfo);
  return {};
}

void ApplySelection(const collectors::Selection& flags, collectors::Selection& selection) {
  selection.all = flags.all;
  for (const auto& [name, choice] : flags.choices) {
    if (choice.enabled) selection.choices[name].enabled = choice.enabled;
  }
}

}  // namespace

Result<Setup> Prepare(const TargetFlags& flags, const config::Environment& environment) {
  config::Config config;
  if (!flags.config_file.empty()) config = config::LoadConfig(flags.config_file);
  const Status target = ChooseTarget(flags, environment, config);
  if (!target.ok()) return target.error();
  for (const std::string& file : flags.user_collectors) config.user_collectors.push_back(file);
  ApplySelection(flags.selection, config.selection);
  Result<collectors::Catalogue> catalogue = config::LoadCollectors(config);
  if (!catalogue.ok()) return catalogue.error();
  config::CheckSelection(config, *catalogue);
  const auto timeout = ParseTime(flags.collection_timeout);
  if (!timeout || timeout->count() < 100) {
    return Error(ErrorCode::kInvalid,
                 "--collection-timeout: expected a time of at least 100ms such "
                 "as 30s or 1m, found '" +
                     flags.collection_timeout + "'");
  }
  return Setup{std::move(config), *std::move(catalogue), *timeout, flags.refuse_superuser};
}

log::TallyOptions ToTallyOptions(const config::Config& config, std::optional<int> datname_limit,
                                 std::optional<int> fingerprints) {
  log::TallyOptions options;
  if (config.long_statement) options.long_statement_seconds = Seconds(*config.long_statement);
  options.datname_limit = datname_limit.value_or(config.datname_limit.value_or(0));
  options.fingerprints = fingerprints.value_or(config.fingerprints.value_or(0));
  return options;
}

scrape::TargetOptions ToTargetOptions(const Setup& setup) {
  const config::Target& target = *setup.config.target;
  scrape::TargetOptions options;
  options.name = target.name;
  options.conninfo = target.conninfo;
  options.user_file = target.user_file;
  options.password_file = target.password_file;
  options.selection = setup.config.selection;
  options.refuse_superuser = setup.refuse_superuser;
  return options;
}

}  // namespace pgbeacon::cli
