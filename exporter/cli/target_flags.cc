#include "exporter/cli/target_flags.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "base/text.h"
#include "collectors/native/names.h"

namespace pgbeacon::cli {
namespace {

/// --collector.NAME.OPTION.
void AddCollectorOption(CLI::App& command, collectors::Selection& selection,
                        const std::string& collector, const collectors::Option& option) {
  const std::string name = "--collector." + collector + "." + option.name;
  const auto set = [&selection, collector, key = option.name](const std::string& value) {
    selection.choices[collector].options[key] = value;
  };
  if (option.kind == collectors::OptionKind::kFlag) {
    const auto set_flag = [set](std::int64_t count) { set(count > 0 ? "true" : "false"); };
    const std::string both = name + ",!--no-" + name.substr(2);
    command.add_flag_function(both, set_flag, option.help)->group("Collectors");
    return;
  }
  const auto right = [option](const std::string& value) { return WrongValue(option, value); };
  command.add_option_function<std::string>(name, set, option.help)
      ->check(right)
      ->default_str(option.value)
      ->group("Collectors");
}

/// --collector.NAME and --no-collector.NAME for every collector, by its own and its peer's name.
void AddCollectorFlags(CLI::App& command, collectors::Selection& selection,
                       const collectors::Catalogue& catalogue) {
  command.add_flag("--collector.all", selection.all, "Switch every collector on")
      ->group("Collectors");
  std::map<std::string, std::string> flags;  // name -> help; a peer's name may stand for several
  for (const auto& collector : catalogue.collectors()) {
    const char* state = collector->on_by_default ? " (on by default)" : " (off by default)";
    flags[collector->name] = collector->help + state;
  }
  for (const auto& collector : catalogue.collectors()) {
    if (!collector->peer.empty())
      flags.try_emplace(collector->peer, "The same as " + collector->name);
  }
  for (const auto& collector : catalogue.collectors()) {
    for (const collectors::Option& option : collector->options) {
      AddCollectorOption(command, selection, collector->name, option);
    }
  }
  for (const collectors::NativeCollector& native : collectors::kNativeCollectors) {
    flags[native.name] = std::string(native.help) + " (on by default)";
  }
  command
      .add_flag_function(
          "--collector.xlog_location,!--no-collector.xlog_location", [](std::int64_t) {},
          "Taken and ignored: postgres_exporter has it for servers before 10")
      ->group("Collectors");
  for (const auto& [name, help] : flags) {
    command
        .add_flag_function(
            "--collector." + name + ",!--no-collector." + name,
            [&selection, name = name](std::int64_t count) {
              selection.choices[name].enabled = count > 0;
            },
            help)
        ->group("Collectors");
  }
}

void AddPeerFlags(CLI::App& command, PeerFlags& flags) {
  constexpr const char* kGroup = "As postgres_exporter";
  command
      .add_option("--preset", flags.preset,
                  "Exactly the collectors that this program has on by default, and your own")
      ->check(CLI::IsMember({kPeerPreset}))
      ->group(kGroup);
  command
      .add_flag("--disable-default-metrics", flags.disable_default_metrics,
                "Leave out what it calls default metrics: collectors marked legacy")
      ->envname("PG_EXPORTER_DISABLE_DEFAULT_METRICS")
      ->group(kGroup);
  command
      .add_flag("--disable-settings-metrics", flags.disable_settings_metrics,
                "Leave out pg_settings_*")
      ->envname("PG_EXPORTER_DISABLE_SETTINGS_METRICS")
      ->group(kGroup);
  command
      .add_option("--extend.query-path", flags.query_path,
                  "Its queries.yaml; --collector.file takes pgbeacon's own form")
      ->envname("PG_EXPORTER_EXTEND_QUERY_PATH")
      ->group(kGroup);
  command
      .add_flag("--dumpmaps", flags.dump_maps,
                "Print what can be exposed and end: pgbeacon metrics")
      ->group(kGroup);
  command
      .add_option("--constantLabels", flags.constant_labels,
                  "NAME=VALUE,... on every series of the server")
      ->envname("PG_EXPORTER_CONSTANT_LABELS")
      ->group(kGroup);
  command
      .add_option("--metric-prefix", flags.metric_prefix, "Instead of pg in its default metrics")
      ->envname("PG_EXPORTER_METRIC_PREFIX")
      ->capture_default_str()
      ->group(kGroup);
}

void AddDatabaseFlags(CLI::App& command, TargetFlags& flags) {
  command
      .add_flag_function(
          "--auto-discover-databases,!--no-auto-discover-databases",
          [&flags](std::int64_t count) { flags.auto_discover_databases = count > 0; },
          "Visit the server's other databases too, for collectors about one database")
      ->envname("PG_EXPORTER_AUTO_DISCOVER_DATABASES")
      ->group("Databases");
  const auto add = [&command](const char* name, const char* variable, auto& globs,
                              const char* help) {
    const auto set = [&globs](const std::string& text) { globs = Split(text, ','); };
    command.add_option_function<std::string>(name, set, help)
        ->expected(0, 1)  // nothing is no name
        ->envname(variable)
        ->group("Databases");
  };
  add("--include-databases", "PG_EXPORTER_INCLUDE_DATABASES", flags.include_databases,
      "Only these of the discovered databases: names or globs, with commas between");
  add("--exclude-databases", "PG_EXPORTER_EXCLUDE_DATABASES", flags.exclude_databases,
      "None of these databases: names or globs, with commas between");
}

}  // namespace

void AddTargetFlags(CLI::App& command, TargetFlags& flags, const collectors::Catalogue& catalogue) {
  command.add_option("--config.file", flags.config_file,
                     "YAML file: targets, sources, collectors, events");
  command.add_option(
      "--dsn", flags.dsn,
      "Connection string (URI or keyword=value) of the server; also from DATA_SOURCE_NAME, "
      "DATA_SOURCE_URI with _USER and _PASS (each also _FILE), DATABASE_URL, or PGHOST, "
      "PGSERVICE and the other variables of libpq");
  command.add_option("--target", flags.target,
                     "Name of the target in the config file that is asked or shown at /metrics");
  command
      .add_option("--collection-timeout", flags.collection_timeout,
                  "Deadline of a scrape whose request does not carry one")
      ->envname("PG_EXPORTER_COLLECTION_TIMEOUT")
      ->capture_default_str();
  AddDatabaseFlags(command, flags);
  command.add_flag("--refuse-superuser", flags.refuse_superuser,
                   "Do not work with a login that is a superuser or has CREATEROLE (it is only "
                   "warned about otherwise)");
  command
      .add_option("--connection.max-age", flags.connection_max_age,
                  "After this the connection of the scrapes is made anew")
      ->capture_default_str();
  command
      .add_option("--collector.file", flags.user_collectors,
                  "Further collectors: YAML file or glob (repeatable)")
      ->group("Collectors");
  AddPeerFlags(command, flags.peer);
  AddCollectorFlags(command, flags.selection, catalogue);
}

}  // namespace pgbeacon::cli
