// The configuration: what the config file, the flags and the environment ask for, as plain data.
//
// Example:
//   Result<Config> config = ReadConfig(text, "pgbeacon.yml");
//   Status merged = ApplyEnvironment(SystemEnvironment(), *config);
//
// The file's keys are described in docs/config.md. Flags win over the environment, the environment
// over the file.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/yaml.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/spec.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::config {

/// One log source: files that a glob names.
struct Source {
  std::string file;                   ///< path or glob
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: the target's, else detected
  std::optional<bool> from_begin;     ///< absent: the command's default
  std::string server;                 ///< value of the `server` label; empty: the target's name
};

/// One PostgreSQL server.
struct Target {
  std::string name;           ///< empty: host:port
  std::string conninfo;       ///< libpq connection string
  std::string user_file;      ///< read at each connect
  std::string password_file;  ///< read at each connect
  std::vector<Source> sources;
};

struct Config {
  std::optional<Target> target;
  std::vector<Source> sources;  ///< of servers that are no target
  collectors::Selection selection;
  std::vector<std::string> user_collectors;  ///< globs
  std::vector<YamlMap> events;               ///< users' rows of the event catalogue
  std::shared_ptr<YamlErrors> errors = std::make_shared<YamlErrors>();  ///< `events` report to it
  std::optional<std::chrono::milliseconds> long_statement;
};

/// Reads the text of a config file; every mistake is in the one Error, with file, line and column.
Result<Config> ReadConfig(std::string_view text, const std::string& file);

/// ReadConfig of a file on disk.
Result<Config> LoadConfig(const std::string& path);

/// An environment variable's value, nothing when unset.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment SystemEnvironment();

/// The target that the environment names, in postgres_exporter's order: DATA_SOURCE_NAME, then
/// DATA_SOURCE_URI with _USER and _PASS (each also as _FILE), then DATABASE_URL, then libpq's own
/// PGSERVICE, PGHOST or PGHOSTADDR. Nothing when none is set.
Result<std::optional<Target>> TargetFromEnvironment(const Environment& environment);

/// The catalogues that a config asks for: the embedded ones and the user's.
Result<collectors::Catalogue> LoadCollectors(const Config& config);
Result<log::Catalogue> LoadEvents(const Config& config);

/// Every collector that the config or a flag names must exist; the Error names the nearest one.
Status CheckSelection(const collectors::Selection& selection,
                      const collectors::Catalogue& catalogue);

}  // namespace pgbeacon::config
