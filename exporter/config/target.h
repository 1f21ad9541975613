// Targets of the config file: what is said of each, of its group and of all of them, put together.
//
// Example:
//   TargetReader reader(root);                       // `defaults` and `groups`
//   for (YamlMap& map : root.Maps("targets")) {
//     for (Target& target : reader.Read(map)) ...    // one for each host of a connection string
//   }
//
// A target's own key wins over its group's, that over the defaults'. Labels and collectors are put
// together name by name, the parts of a connection string keyword by keyword.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/families.h"
#include "base/yaml.h"
#include "collectors/engine/plan.h"
#include "exporter/config/native.h"
#include "exporter/config/sample.h"
#include "exporter/scrape/discovery.h"
#include "logparse/forms/form.h"

namespace pgbeacon::config {

/// One log source: files that a glob names.
struct Source {
  std::string file;  ///< path or glob
  log::FormKind form = log::FormKind::kAuto;
  bool all_forms = false;             ///< several forms are different logs: each counts
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: the target's, else detected
  std::optional<bool> from_begin;     ///< absent: the command's default
  std::string server;                 ///< value of the `server` label; empty: the target's name
};

/// Reads one, all but `server`, which only sources apart from targets have.
Source ReadSource(YamlMap& map);

/// One PostgreSQL server.
struct Target {
  std::string name;           ///< empty: host:port
  std::string conninfo;       ///< libpq connection string
  std::string user_file;      ///< read at each connect
  std::string password_file;  ///< read at each connect
  std::vector<Source> sources;
  scrape::Discovery databases;
  Limits limits;
  Native native;
  Labels labels;                                         ///< on all its series
  std::map<std::string, collectors::Choice> collectors;  ///< over those of the file
  /// All that is said of it but for its labels: a target of the same text goes on.
  std::string text;
  std::string where;    ///< "file:line:column" of what names it; empty: no file does
  std::string file_sd;  ///< the file of file_sd that names it; empty: none
};

/// All that a value says, so that two that say the same are equal; of a map without the members
/// that are named.
std::string TextOf(const YamlValue& value, const std::set<std::string>& without = {});

/// Reads one choice of `collectors`.
collectors::Choice ReadChoice(YamlMap& map);

class TargetReader {
 public:
  TargetReader() = default;
  /// Reads `defaults`, `groups` and `auth_modules`.
  explicit TargetReader(YamlMap& root);

  /// The targets of one entry of `targets`: one for each host, unless target_session_attrs chooses
  /// among them. None where it cannot be connected to.
  std::vector<Target> Read(YamlMap& map) const;

  /// The same for an entry of a file_sd file, which may also have Prometheus' form: `targets`, a
  /// list of HOST:PORT, and `labels`.
  std::vector<Target> ReadDiscovered(YamlMap& map) const;

 private:
  /// What has been said so far.
  struct Draft {
    std::string dsn;
    std::vector<std::pair<std::string, std::string>> parts;  ///< libpq's keywords
    Target target;
  };
  /// User, password and further keywords, as postgres_exporter's auth_modules have them.
  using Parts = std::vector<std::pair<std::string, std::string>>;

  void ReadAuthModules(YamlMap& root);
  void ReadInto(YamlMap& map, Draft& draft) const;
  std::optional<Draft> Begin(YamlMap& map) const;
  static std::vector<Target> Build(Draft draft, YamlMap& map);

  Draft defaults_;
  std::map<std::string, Draft, std::less<>> groups_;
  std::map<std::string, Parts, std::less<>> auth_modules_;
};

}  // namespace pgbeacon::config
