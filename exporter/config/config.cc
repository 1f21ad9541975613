#include "exporter/config/config.h"

#include <utility>

#include "base/text.h"
#include "exporter/config/files.h"

namespace pgbeacon::config {
namespace {

Source ReadSource(YamlMap& map) {
  Source source;
  source.file = map.Require("file");
  source.prefix = map.String("prefix");
  map.Choice("format", {"auto", "stderr"});
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

Target ReadTarget(YamlMap& map) {
  Target target;
  target.name = map.String("name").value_or("");
  target.conninfo = ReadConninfo(map);
  target.password_file = map.String("password_file").value_or("");
  for (YamlMap& entry : map.Maps("sources")) {
    target.sources.push_back(ReadSource(entry));
    entry.Finish();
  }
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
  map.Finish();
  return choice;
}

}  // namespace

Result<Config> ReadConfig(std::string_view text, const std::string& file) {
  Config config;
  YamlErrors& errors = *config.errors;
  YamlMap root = ReadYaml(text, file, errors);
  std::vector<YamlMap> targets = root.Maps("targets");
  if (targets.size() > 1) targets[1].Fail("name", "one target a process is served");
  if (!targets.empty()) config.target = ReadTarget(targets[0]);
  for (YamlMap& entry : root.Maps("sources")) {
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
  root.Finish();
  if (!errors.empty()) return errors.ToError();
  return config;
}

Result<Config> LoadConfig(const std::string& path) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) {
    return Error(ErrorCode::kNotFound, "config file: " + text.error().message +
                                           "; check --config.file and the file's permissions");
  }
  return ReadConfig(*text, path);
}

Result<collectors::Catalogue> LoadCollectors(const Config& config) {
  Result<collectors::Catalogue> catalogue = collectors::Catalogue::Builtin();
  if (!catalogue.ok()) return catalogue;
  std::vector<std::string> problems;
  for (const std::string& pattern : config.user_collectors) {
    const std::vector<std::string> paths = Glob(pattern);
    if (paths.empty()) problems.push_back("user_collectors: no file matches " + pattern);
    for (const std::string& path : paths) {
      const Result<std::string> text = ReadFile(path);
      if (!text.ok()) {
        problems.push_back("user_collectors: " + text.error().message);
        continue;
      }
      Result<collectors::Collector> collector = collectors::ReadCollector(*text, path);
      if (!collector.ok()) {
        problems.push_back(collector.error().message);
        continue;
      }
      const Status added = catalogue->Add(*std::move(collector));
      if (!added.ok()) problems.push_back(added.error().message);
    }
  }
  if (!problems.empty()) return Error(ErrorCode::kInvalid, Join(problems, "\n"));
  return catalogue;
}

Result<log::Catalogue> LoadEvents(const Config& config) {
  Result<log::Catalogue> catalogue = log::Catalogue::Builtin(config.events);
  if (!config.errors->empty()) return config.errors->ToError();
  return catalogue;
}

Status CheckSelection(const collectors::Selection& selection,
                      const collectors::Catalogue& catalogue) {
  std::vector<std::string> names;
  for (const auto& collector : catalogue.collectors()) names.push_back(collector->name);
  for (const auto& [name, choice] : selection.choices) {
    if (catalogue.Find(name) != nullptr) continue;
    const std::string nearest = Nearest(name, names);
    return Error(ErrorCode::kInvalid, "there is no collector '" + name + "'" +
                                          (nearest.empty() ? "; `pgbeacon explain` lists them"
                                                           : "; did you mean '" + nearest + "'?"));
  }
  return {};
}

}  // namespace pgbeacon::config
