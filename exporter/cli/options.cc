#include "exporter/cli/options.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/families.h"
#include "base/text.h"
#include "base/yaml.h"
#include "exporter/cli/own_families.h"
#include "exporter/pg/conninfo.h"

namespace pgbeacon::cli {
namespace {

/// The flag's server, else the environment's; with several hosts one for each.
Result<std::vector<config::Target>> Named(const TargetFlags& flags,
                                          const config::Environment& environment) {
  std::vector<config::Target> named;
  if (!flags.dsn.empty()) {
    named.push_back({.conninfo = flags.dsn});
  } else {
    Result<std::vector<config::Target>> found = config::TargetsFromEnvironment(environment);
    if (!found.ok()) return found.error();
    named = *std::move(found);
  }
  std::vector<config::Target> targets;
  for (const config::Target& target : named) {
    const Result<pg::Conninfo> conninfo = pg::Conninfo::Parse(target.conninfo);
    if (!conninfo.ok()) return conninfo.error();
    const std::vector<pg::Conninfo> hosts = pg::PerHost(*conninfo);
    for (const pg::Conninfo& host : hosts) {
      targets.push_back(target);
      if (hosts.size() > 1) targets.back().conninfo = host.Text();
      targets.back().name = pg::ServerName(targets.back().conninfo);
      targets.back().text = target.conninfo;
    }
  }
  return targets;
}

/// What the flags and the environment name wins over the file's default target, of which it keeps
/// the rest.
Status ChooseTargets(const TargetFlags& flags, const config::Environment& environment,
                     config::Discovered& last, config::Config& config) {
  Result<std::vector<config::Target>> named = Named(flags, environment);
  if (!named.ok()) return named.error();
  std::ranges::move(LoadFileSd(config, last), std::back_inserter(config.others));
  if (!named->empty()) {
    config::Target& first = named->front();
    if (config.target) {
      first.sources = std::move(config.target->sources);
      first.limits = config.target->limits;
      first.databases = std::move(config.target->databases);
      first.native = std::move(config.target->native);
      first.labels = std::move(config.target->labels);
      first.collectors = std::move(config.target->collectors);
      first.text += config.target->text;
      first.where = std::move(config.target->where);
    }
    config.target = std::move(first);
    config.others.insert(config.others.begin(), std::make_move_iterator(named->begin() + 1),
                         std::make_move_iterator(named->end()));
  }
  return {};
}

/// --target: another of the config's is the one that is asked.
Status Pick(const std::string& name, config::Config& config) {
  if (name.empty() || (config.target && config.target->name == name)) return {};
  const auto found = std::ranges::find(config.others, name, &config::Target::name);
  if (found != config.others.end()) {
    config.target = *found;
    return {};
  }
  std::vector<std::string> names;
  for (const config::Target& target : config.others) names.push_back(target.name);
  const std::string nearest = Nearest(name, names);
  return Error(ErrorCode::kInvalid,
               "--target: there is no target '" + name + "' in the config" +
                   (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
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

Result<Setup> Prepare(const TargetFlags& flags, const config::Environment& environment,
                      config::Discovered* last) {
  config::Config config;
  if (!flags.config_file.empty()) config = config::LoadConfig(flags.config_file);
  config::Discovered none;
  const Status chosen = ChooseTargets(flags, environment, last ? *last : none, config);
  if (!chosen.ok()) return chosen.error();
  DropNamesakes(config);
  const Status picked = Pick(flags.target, config);
  if (!picked.ok()) return picked.error();
  for (const std::string& file : flags.user_collectors) config.user_collectors.push_back(file);
  ApplySelection(flags.selection, config.selection);
  ApplyPeerFlags(flags.peer, config.selection);
  Result<scrape::Naming> naming = ToNaming(flags.peer);
  if (!naming.ok()) return naming.error();
  config.peer_queries.file = flags.peer.query_path;
  if (config.target) ApplyDatabases(flags, config.target->databases);
  for (config::Target& target : config.others) ApplyDatabases(flags, target.databases);
  Result<collectors::Catalogue> catalogue = config::LoadCollectors(config, OwnFamilies);
  if (!catalogue.ok()) return catalogue.error();
  config::CheckSelection(config, *catalogue);
  config::CheckLabels(config, *catalogue, TargetLabels());
  const auto max_age = ParseTime(flags.connection_max_age);
  if (!max_age || max_age->count() <= 0) {
    return Error(ErrorCode::kInvalid,
                 "--connection.max-age: expected a time such as 1h or 10m, found '" +
                     flags.connection_max_age + "'");
  }
  const auto timeout = ParseTime(flags.collection_timeout);
  if (!timeout || timeout->count() < 100) {
    return Error(ErrorCode::kInvalid,
                 "--collection-timeout: expected a time of at least 100ms such "
                 "as 30s or 1m, found '" +
                     flags.collection_timeout + "'");
  }
  auto collectors = std::make_shared<const collectors::Catalogue>(*std::move(catalogue));
  return Setup{std::move(config), std::move(collectors), *timeout, flags.refuse_superuser,
               *max_age,          *std::move(naming)};
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
  return ToTargetOptions(setup, *setup.config.target);
}

scrape::TargetOptions ToTargetOptions(const Setup& setup, const config::Target& target) {
  scrape::TargetOptions options;
  options.name = target.name;
  options.conninfo = target.conninfo;
  options.user_file = target.user_file;
  options.password_file = target.password_file;
  options.discovery = target.databases;
  options.selection = setup.config.selection;
  options.refuse_superuser = setup.refuse_superuser;
  options.connection_max_age = setup.connection_max_age;
  options.naming = setup.naming;
  for (const auto& [name, choice] : target.collectors) options.selection.choices[name] = choice;
  return options;
}

}  // namespace pgbeacon::cli
