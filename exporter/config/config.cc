#include "exporter/config/config.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "collectors/native/names.h"
#include "exporter/config/files.h"
#include "exporter/config/peer_queries.h"
#include "exporter/config/range.h"

namespace pgbeacon::config {
namespace {

Source ReadSource(YamlMap& map) {
  Source source;
  source.file = map.Require("file");
  source.prefix = map.String("prefix");
  if (const auto form = map.Choice("format", log::FormNames())) {
    source.form = *log::ParseForm(*form);
  }
  if (const auto forms = map.Choice("forms", {"one", "all"})) source.all_forms = *forms == "all";
  if (const auto from = map.Choice("from", {"begin", "end"})) source.from_begin = *from == "begin";
  return source;
}

std::string Quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string ReadConninfo(YamlMap& map) {
  const std::optional<std::string> dsn = map.String("dsn");
  std::string parts;
  for (const char* key : {"host", "port", "user", "database", "service", "sslmode", "sslrootcert",
                          "sslcert", "sslkey"}) {
    const std::optional<std::string> value = map.String(key);
    if (!value) continue;
    const std::string_view keyword = std::string_view(key) == "database" ? "dbname" : key;
    parts += (parts.empty() ? "" : " ") + std::string(keyword) + "=" + Quoted(*value);
  }
  if (dsn && !parts.empty())
    map.Fail("dsn", "give either dsn or its parts (host, port, ...), not both");
  if (!dsn && parts.empty())
    map.Fail("name", "a target needs dsn, or host, port, user and database");
  return dsn.value_or(parts);
}

scrape::Discovery ReadDatabases(YamlMap& target) {
  scrape::Discovery discovery;
  std::optional<YamlMap> map = target.Map("databases");
  if (!map) return discovery;
  const bool all = map->Bool("all").value_or(false);
  discovery.include = map->Strings("include");
  discovery.exclude = map->Strings("exclude");
  discovery.interval = map->Time("interval").value_or(discovery.interval);
  discovery.on = all || !discovery.include.empty();
  if (!discovery.on && !discovery.exclude.empty()) {
    map->Fail("exclude", "'exclude' goes with 'all: true' or 'include'");
  }
  map->Finish();
  return discovery;
}

Target ReadTarget(YamlMap& map) {
  Target target;
  target.name = map.String("name").value_or("");
  target.conninfo = ReadConninfo(map);
  target.password_file = map.String("password_file").value_or("");
  for (YamlMap& entry : map.Maps("sources")) {
    target.sources.push_back(ReadSource(entry));
    entry.Finish();
  }
  target.databases = ReadDatabases(map);
  target.limits = ReadLimits(map);
  target.native = ReadNative(map);
  map.Finish();
  return target;
}

collectors::Choice ReadChoice(YamlMap& map) {
  collectors::Choice choice;
  choice.enabled = map.Bool("enabled");
  choice.interval = map.Time("interval");
  choice.timeout = map.Time("timeout");
  if (const auto limit = map.Int("limit")) {
    if (*limit < 1) map.Fail("limit", "limit: expected at least 1");
    choice.limit = static_cast<std::size_t>(*limit);
  }
  for (auto& [name, value] : map.StringMap("options")) choice.options[name] = value;
  map.Finish();
  return choice;
}

/// What is wrong with an option of a collector's choice; empty when nothing is.
std::string WrongOption(const collectors::Collector& collector, const std::string& name,
                        const std::string& value) {
  const auto option = std::ranges::find(collector.options, name, &collectors::Option::name);
  if (option == collector.options.end()) {
    return "the collector '" + collector.name + "' has no option '" + name + "'";
  }
  const std::string wrong = WrongValue(*option, value);
  return wrong.empty() ? "" : "collector '" + collector.name + "', " + name + ": " + wrong;
}

/// A count from 0 to `most`.
std::optional<int> ReadCount(YamlMap& map, const std::string& key, int most) {
  const std::optional<std::int64_t> count = ReadRange(map, key, 0, most);
  return count ? std::optional(static_cast<int>(*count)) : std::nullopt;
}

/// The catalogue, to which users' collectors are added that clash with nothing.
class Adding {
 public:
  Adding(collectors::Catalogue& catalogue, const TakenNames& taken)
      : catalogue_(catalogue), ask_(taken) {}

  Status Add(collectors::Collector collector) {
    if (!taken_) taken_ = ask_ ? ask_() : std::map<std::string, MetricType>();
    for (const collectors::Column& column : collector.columns) {
      const auto same = taken_->find(column.metric);
      if (same == taken_->end() || same->second == column.type) continue;
      return Error(ErrorCode::kInvalid, collector.where + ": the metric '" + column.metric +
                                            "' is pgbeacon's own, with another type");
    }
    return catalogue_.Add(std::move(collector));
  }

 private:
  collectors::Catalogue& catalogue_;
  const TakenNames& ask_;
  std::optional<std::map<std::string, MetricType>> taken_;
};

Status AddCollector(const std::string& path, Adding& adding) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return Error(ErrorCode::kNotFound, "user collectors: " + text.error().message);
  Result<collectors::Collector> collector = collectors::ReadCollector(*text, path);
  if (!collector.ok()) return collector.error();
  if (collector->search_path.empty()) collector->search_path = "pg_catalog";  // it is a user's
  return adding.Add(*std::move(collector));
}

/// A file that is wrong in parts gives the rest.
void AddPeerQueries(Config& config, Adding& adding) {
  PeerQueries& queries = config.peer_queries;
  const Result<std::string> text = ReadFile(queries.file);
  if (!text.ok()) {
    config.errors->Add("--extend.query-path: " + text.error().message);
    queries.failed = true;
    return;
  }
  queries.sha256 = Sha256(*text);
  const std::size_t before = config.errors->messages().size();
  for (collectors::Collector& collector : ReadPeerQueries(*text, queries.file, *config.errors)) {
    const Status added = adding.Add(std::move(collector));
    if (!added.ok()) config.errors->Add(added.error().message);
  }
  queries.failed = config.errors->messages().size() > before;
}

}  // namespace

Config ReadConfig(std::string_view text, const std::string& file) {
  Config config;
  YamlMap root = ReadYaml(text, file, *config.errors);
  const bool unread = !config.errors->empty();
  std::vector<YamlMap> targets = root.Maps("targets");
  if (targets.size() > 1) targets[1].Fail("name", "one target a process is served");
  if (!targets.empty()) config.target = ReadTarget(targets[0]);
  for (YamlMap& entry : root.Maps("sources")) {
    const std::size_t mistakes = entry.mistakes();
    if (IsSyslogSource(entry)) {
      config.syslog.push_back(ReadSyslogSource(entry));
      entry.Finish();
      continue;
    }
    if (entry.mistakes() > mistakes) continue;  // its keys depend on its type
    Source source = ReadSource(entry);
    source.server = entry.Require("server");
    entry.Finish();
    config.sources.push_back(std::move(source));
  }
  for (auto& [name, map] : root.NamedMaps("collectors")) {
    config.selection.choices[name] = ReadChoice(map);
  }
  config.user_collectors = root.Strings("user_collectors");
  config.events = root.Maps("events");
  config.long_statement = root.Time("long_statement_threshold");
  config.state_dir = root.String("state_dir").value_or("");
  config.datname_limit = ReadCount(root, "datname_limit", kMostDatnames);
  config.fingerprints = ReadCount(root, "fingerprints", kMostFingerprints);
  config.sample = ReadSample(root);
  config.logs_access = ReadLogsAccess(root);
  config.logplex = ReadLogplex(root);
  config.drains = ReadDrains(root);
  if (unread) {  // who may read and deliver is not known
    config.logs_access.emplace();
    config.logplex.invalid = true;
  }
  root.Finish();
  return config;
}

Config LoadConfig(const std::string& path) {
  const Result<std::string> text = ReadFile(path);
  if (text.ok()) return ReadConfig(*text, path);
  Config config;
  config.logs_access.emplace();
  config.logplex.invalid = true;
  config.errors->Add("config file: " + text.error().message +
                     "; check --config.file and the file's permissions");
  return config;
}

Result<collectors::Catalogue> LoadCollectors(Config& config, const TakenNames& taken) {
  Result<collectors::Catalogue> catalogue = collectors::Catalogue::Builtin();
  if (!catalogue.ok()) return catalogue;
  Adding adding(*catalogue, taken);
  for (const std::string& pattern : config.user_collectors) {
    const std::vector<std::string> paths = Glob(pattern);
    if (paths.empty() && pattern.find_first_of("*?[") == std::string::npos) {
      config.errors->Add("user collectors: there is no file " + pattern);
    }
    for (const std::string& path : paths) {
      const Status added = AddCollector(path, adding);
      if (!added.ok()) config.errors->Add(added.error().message);
    }
  }
  if (!config.peer_queries.file.empty()) AddPeerQueries(config, adding);
  return catalogue;
}

Result<log::Catalogue> LoadEvents(Config& config) { return log::Catalogue::Builtin(config.events); }

void CheckEvents(Config& config) {
  if (config.events.empty()) return;
  const Result<log::Catalogue> events = LoadEvents(config);
  if (!events.ok()) config.errors->Add(events.error().message);
}

void CheckSelection(Config& config, const collectors::Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const auto& collector : catalogue.collectors()) names.push_back(collector->name);
  for (const auto& native : collectors::kNativeCollectors) names.emplace_back(native.name);
  for (const auto& [name, choice] : config.selection.choices) {
    if (collectors::IsNativeCollector(name)) continue;
    if (const collectors::Collector* collector = catalogue.Find(name)) {
      for (const auto& [option, value] : choice.options) {
        const std::string wrong = WrongOption(*collector, option, value);
        if (!wrong.empty()) config.errors->Add(wrong);
      }
      continue;
    }
    const std::string nearest = Nearest(name, names);
    config.errors->Add("there is no collector '" + name + "'" +
                       (nearest.empty() ? "; `pgbeacon explain` lists them"
                                        : "; did you mean '" + nearest + "'?"));
  }
}

}  // namespace pgbeacon::config
