// The configuration: what the config file, the flags and the environment ask for, as plain data.
//
// Example:
//   Config config = LoadConfig("pgbeacon.yml");
//   Result<collectors::Catalogue> catalogue = LoadCollectors(config);
//   for (const std::string& mistake : config.errors->messages()) spdlog::error("{}", mistake);
//
// What is wrong is left out and told in Config::errors, so that a running exporter keeps serving
// what it can and a check can refuse. The file's keys are described in docs/config.md. Flags win
// over the environment, the environment over the file.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/spec.h"
#include "exporter/config/drains.h"
#include "exporter/config/listeners.h"
#include "exporter/config/logplex.h"
#include "exporter/config/logs_access.h"
#include "exporter/config/peer_queries.h"
#include "exporter/config/sample.h"
#include "exporter/config/target.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::config {

/// Bounds of datname_limit and fingerprints.
inline constexpr int kMostDatnames = 10'000;
inline constexpr int kMostFingerprints = 2048;

/// Files that name further targets and are read again when they change.
struct FileSd {
  std::vector<std::string> files;  ///< paths or globs
  std::chrono::milliseconds refresh{5000};
  std::string stamp;  ///< of the files before they were read, see StampOf
};

struct Config {
  std::optional<Target> target;  ///< the default one, of /metrics
  std::vector<Target> others;    ///< of /probe
  TargetReader reader;           ///< of the targets in files that file_sd names
  FileSd file_sd;
  std::vector<Source> sources;  ///< of servers that are no target
  std::vector<SyslogSource> syslog;
  collectors::Selection selection;
  std::string shared_text;  ///< all that is said of the collectors of every target
  std::string fixed_text;   ///< all that is said of what cannot change while we run
  std::vector<std::string> user_collectors;  ///< globs
  PeerQueries peer_queries;
  std::vector<fanout::DrainOptions> drains;  ///< where lines are sent on to
  std::vector<YamlMap> events;               ///< users' rows of the event catalogue
  /// All mistakes of the file and of what it names; shared, for `events` report to it later.
  std::shared_ptr<YamlErrors> errors = std::make_shared<YamlErrors>();
  /// Those of the files that file_sd names: each stands alone and keeps nothing else from being
  /// followed.
  YamlErrors file_sd_errors;
  std::optional<std::chrono::milliseconds> long_statement;
  LogsAccess logs_access;            ///< of /logs
  Logplex logplex;                   ///< POST /logplex
  std::optional<Sample> sample;      ///< sample# records; absent: none
  std::string state_dir;             ///< where log counters survive; empty: nowhere
  std::optional<int> datname_limit;  ///< log::TallyOptions
  std::optional<int> fingerprints;
};

/// Of the config and of the files that file_sd names.
std::vector<std::string> AllMistakes(const Config& config);

/// The default one first.
std::vector<const Target*> AllTargets(const Config& config);

/// Reads the text of a config file; mistakes come with file, line and column.
Config ReadConfig(std::string_view text, const std::string& file);

/// ReadConfig of a file on disk; one that cannot be read is an empty config with a mistake.
Config LoadConfig(const std::string& path);

/// An environment variable's value, nothing when unset.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment SystemEnvironment();

/// The targets that the environment names, in postgres_exporter's order: DATA_SOURCE_NAME (several,
/// separated by commas), then DATA_SOURCE_URI with _USER and _PASS (each also as _FILE), then
/// DATABASE_URL, then libpq's own PGSERVICE, PGHOST or PGHOSTADDR. None when none is set.
Result<std::vector<Target>> TargetsFromEnvironment(const Environment& environment);

/// The files there are now.
std::vector<std::string> FileSdPaths(const FileSd& file_sd);

/// What each such file said when it was last without a mistake, by path.
using Discovered = std::map<std::string, std::vector<Target>>;

/// The targets of all such files. What is wrong with one goes to config.file_sd_errors; it goes on
/// with what `last` has of it, else with what is right in it.
std::vector<Target> LoadFileSd(Config& config, Discovered& last);

/// Names and types of families that no collector file makes.
using TakenNames = std::function<std::map<std::string, MetricType>()>;

/// The embedded collectors and the user's. A user's file that is wrong, or gives a family that is
/// there another type, is a mistake and left out; a glob may match nothing, a path must exist.
/// `taken` is asked only where there is a user's file.
Result<collectors::Catalogue> LoadCollectors(Config& config, const TakenNames& taken = nullptr);

/// The embedded events and the user's. A user's row that is wrong is a mistake and left out.
Result<log::Catalogue> LoadEvents(Config& config);

/// Finds the mistakes of the user's events for commands that need no events.
void CheckEvents(Config& config);

/// Drops labels of targets that series have themselves, of a collector or by code (`own`), or
/// Prometheus gives them. Each is a mistake.
void CheckLabels(Config& config, const collectors::Catalogue& catalogue, std::set<std::string> own);

/// Drops targets whose name another before them has. Each is a mistake.
void DropNamesakes(Config& config);

/// A collector that the config or a flag names and that does not exist is a mistake.
void CheckSelection(Config& config, const collectors::Catalogue& catalogue);

}  // namespace pgbeacon::config
