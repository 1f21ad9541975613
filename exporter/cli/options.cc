#include "exporter/cli/options.h"

#include <utility>

#include "base/clock.h"
#include "base/families.h"
#include "base/text.h"
#include "base/yaml.h"
#include "exporter/cli/own_families.h"
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
      chosen->databases = std::move(config.target->databases);
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

void ApplyDatabases(const TargetFlags& flags, scrape::Discovery& discovery) {
  discovery.on = flags.auto_discover_databases.value_or(discovery.on);
  if (!flags.include_databases.empty()) discovery.include = flags.include_databases;
  if (!flags.exclude_databases.empty()) discovery.exclude = flags.exclude_databases;
}

void ApplySelection(const collectors::Selection& flags, collectors::Selection& selection) {
  selection.all = flags.all;
  for (const auto& [name, choice] : flags.choices) {
    if (choice.enabled) selection.choices[name].enabled = choice.enabled;
    for (const auto& [option, value] : choice.options) {
      selection.choices[name].options[option] = value;
    }
  }
}

/// "a=b,c=d" as --constantLabels has it.
Result<Labels> ParseConstantLabels(const std::string& text) {
  Labels labels;
  for (const std::string& part : Split(text, ',')) {
    if (Trim(part).empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string name(Trim(part.substr(0, equals)));
    if (equals == std::string::npos || !IsLabelName(name)) {
      return Error(ErrorCode::kInvalid,
                   "--constantLabels: expected NAME=VALUE,NAME=VALUE, found '" + part + "'");
    }
    labels.emplace_back(name, Trim(part.substr(equals + 1)));
  }
  return labels;
}

Result<scrape::Naming> ToNaming(const PeerFlags& flags) {
  scrape::Naming naming;
  Result<Labels> labels = ParseConstantLabels(flags.constant_labels);
  if (!labels.ok()) return labels.error();
  naming.labels = *std::move(labels);
  naming.prefix = flags.metric_prefix;
  if (!IsMetricName(naming.prefix)) {
    return Error(ErrorCode::kInvalid,
                 "--metric-prefix: '" + naming.prefix + "' cannot begin a metric's name");
  }
  return naming;
}

/// Where a collector is named as well, that wins.
void ApplyPeerFlags(const PeerFlags& flags, collectors::Selection& selection) {
  selection.peer = flags.preset == kPeerPreset;
  selection.legacy = !flags.disable_default_metrics;
  if (!flags.disable_settings_metrics) return;
  std::optional<bool>& settings = selection.choices["settings"].enabled;
  if (!settings) settings = false;
}

}  // namespace

Result<Setup> Prepare(const TargetFlags& flags, const config::Environment& environment) {
  config::Config config;
  if (!flags.config_file.empty()) config = config::LoadConfig(flags.config_file);
  const Status target = ChooseTarget(flags, environment, config);
  if (!target.ok()) return target.error();
  for (const std::string& file : flags.user_collectors) config.user_collectors.push_back(file);
  ApplySelection(flags.selection, config.selection);
  ApplyPeerFlags(flags.peer, config.selection);
  Result<scrape::Naming> naming = ToNaming(flags.peer);
  if (!naming.ok()) return naming.error();
  config.peer_queries.file = flags.peer.query_path;
  if (config.target) ApplyDatabases(flags, config.target->databases);
  Result<collectors::Catalogue> catalogue = config::LoadCollectors(config, OwnFamilies);
  if (!catalogue.ok()) return catalogue.error();
  config::CheckSelection(config, *catalogue);
  const auto timeout = ParseTime(flags.collection_timeout);
  if (!timeout || timeout->count() < 100) {
    return Error(ErrorCode::kInvalid,
                 "--collection-timeout: expected a time of at least 100ms such "
                 "as 30s or 1m, found '" +
                     flags.collection_timeout + "'");
  }
  return Setup{std::move(config), *std::move(catalogue), *timeout, flags.refuse_superuser,
               *std::move(naming)};
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
  options.discovery = target.databases;
  options.selection = setup.config.selection;
  options.refuse_superuser = setup.refuse_superuser;
  options.naming = setup.naming;
  return options;
}

}  // namespace pgbeacon::cli
