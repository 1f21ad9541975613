// What the command line asks for. main.cc reads it with CLI11; the commands see only these.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/engine/plan.h"
#include "exporter/config/config.h"
#include "exporter/scrape/target.h"
#include "logparse/tally.h"

namespace pgbeacon::cli {

inline constexpr const char* kPeerPreset = "postgres_exporter";

enum class Output { kTable, kJson, kMarkdown };

/// Flags of postgres_exporter that change what its pages have and how that is named.
struct PeerFlags {
  std::string preset;  ///< --preset: empty or "postgres_exporter"
  bool disable_default_metrics = false;
  bool disable_settings_metrics = false;
  bool dump_maps = false;       ///< --dumpmaps
  std::string query_path;       ///< --extend.query-path
  std::string constant_labels;  ///< --constantLabels
  std::string metric_prefix = "pg";
};

/// Flags that say which server, which collectors and how they are asked; shared by serve, check,
/// explain and metrics.
struct TargetFlags {
  std::string config_file;
  std::string dsn;
  std::string target;  ///< --target: name in the config
  collectors::Selection selection;
  std::vector<std::string> user_collectors;  ///< --collector.file
  std::string collection_timeout = "1m";
  std::optional<bool> auto_discover_databases;
  std::vector<std::string> include_databases;  ///< globs
  std::vector<std::string> exclude_databases;
  bool refuse_superuser = false;
  std::string connection_max_age = "1h";
  PeerFlags peer;
};

struct ServeFlags {
  std::vector<std::string> listen = {":9187"};
  std::string telemetry_path = "/metrics";
  std::string state_dir;          ///< --state.dir
  bool enable_logs = false;       ///< --web.enable-logs
  bool enable_lifecycle = false;  ///< --web.enable-lifecycle
  std::vector<std::string> source_files;
  std::string source_format = "auto";
  std::optional<std::string> source_prefix;
  std::string source_from = "end";
  std::string source_server;
  config::SyslogFlags syslog;
  bool logplex = false;             ///< --source.logplex
  std::string logplex_tokens;       ///< file
  std::string logplex_credentials;  ///< file
  std::optional<int> datname_limit;
  std::optional<int> fingerprints;
};

/// Flags, environment and config file put together, ready to run. Mistakes that leave something to
/// run with stand in config::AllMistakes.
struct Setup {
  config::Config config;
  std::shared_ptr<const collectors::Catalogue> collectors;
  std::chrono::milliseconds collection_timeout{60000};
  bool refuse_superuser = false;
  std::chrono::milliseconds connection_max_age{std::chrono::hours(1)};
  scrape::Naming naming;
};

/// Reads the config file and the environment under the flags. An Error where the server or a flag
/// is not valid. `last`: of the time before, brought up to date; null: there was none.
Result<Setup> Prepare(const TargetFlags& flags, const config::Environment& environment,
                      config::Discovered* last = nullptr);

/// What the log's messages are counted by, of the config file; the flags' may be absent.
log::TallyOptions ToTallyOptions(const config::Config& config, std::optional<int> datname_limit,
                                 std::optional<int> fingerprints);

/// The setup's target as the scraper wants it. Only when setup.config.target is set.
scrape::TargetOptions ToTargetOptions(const Setup& setup);
/// Another of its targets.
scrape::TargetOptions ToTargetOptions(const Setup& setup, const config::Target& target);

}  // namespace pgbeacon::cli
