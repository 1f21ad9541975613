#include "exporter/config/config.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/shown.h"
#include "base/text.h"
#include "collectors/native/names.h"
#include "exporter/config/files.h"
#include "exporter/config/peer_queries.h"
#include "exporter/config/range.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::config {
namespace {

/// What is wrong with an option of a collector's choice; empty when nothing is.
std::string WrongOption(const collectors::Collector& collector, const std::string& name,
                        const std::string& value) {
  const auto option = std::ranges::find(collector.options, name, &collectors::Option::name);
  if (option == collector.options.end()) {
    return "the collector '" + collector.name + "' has no option " + ShownKey(name);
  }
  const std::string wrong = WrongValue(*option, value);
  return wrong.empty() ? "" : "collector '" + collector.name + "', " + name + ": " + wrong;
}

/// The targets, the default one apart: the first unless `default_target` says which.
void ReadTargets(YamlMap& root, Config& config) {
  config.reader = TargetReader(root);
  for (YamlMap& map : root.Maps("targets")) {
    std::ranges::move(config.reader.Read(map), std::back_inserter(config.others));
  }
  if (std::optional<YamlMap> map = root.Map("file_sd")) {
    config.file_sd.files = map->Strings("files");
    config.file_sd.refresh = map->Time("refresh_interval").value_or(config.file_sd.refresh);
    if (config.file_sd.files.empty()) map->Fail("files", "files: name a file or a glob");
    map->Finish();
  }
  const std::optional<std::string> chosen = root.String("default_target");
  if (chosen && chosen->empty()) return;
  const auto found =
      chosen ? std::ranges::find(config.others, *chosen, &Target::name) : config.others.begin();
  if (found != config.others.end()) {
    config.target = std::move(*found);
    config.others.erase(found);
  } else if (chosen) {
    std::vector<std::string> names;
    for (const Target& target : config.others) names.push_back(target.name);
    root.Fail("default_target",
              "default_target: there is no such target" + FoundAmong(*chosen, names));
  }
}

void Remember(const YamlMap& root, Config& config) {
  const std::set<std::string> of_targets = {"targets", "groups",         "defaults",
                                            "file_sd", "default_target", "auth_modules"};
  for (const auto& [key, value] : root.value().members) {
    if (of_targets.contains(key)) continue;
    const bool shared = key == "collectors" || key == "user_collectors";
    (shared ? config.shared_text : config.fixed_text) += key + TextOf(value);
  }
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
      if (!taken_->contains(column.metric)) continue;
      return Error(ErrorCode::kInvalid, collector.where + ": the metric '" + column.metric +
                                            "' is pgbeacon's own; give it another name");
    }
    return catalogue_.Add(std::move(collector));
  }

 private:
  collectors::Catalogue& catalogue_;
  const TakenNames& ask_;
  std::optional<std::map<std::string, MetricType>> taken_;
};

Status AddCollector(const std::string& path, Adding& adding, std::string& shared_text) {
  const Result<std::string> text = net::ReadRegularFile(path, ShownPath(path));
  shared_text += path + (text.ok() ? *text : "");
  if (!text.ok()) return Error(ErrorCode::kNotFound, "user collectors: " + text.error().message);
  Result<collectors::Collector> collector = collectors::ReadCollector(*text, path);
  if (!collector.ok()) return collector.error();
  collector->users = true;
  return adding.Add(*std::move(collector));
}

/// A file that is wrong in parts gives the rest.
void AddPeerQueries(Config& config, Adding& adding) {
  PeerQueries& queries = config.peer_queries;
  const Result<std::string> text = net::ReadRegularFile(queries.file);
  if (!text.ok()) {
    config.errors->Add("--extend.query-path: " + text.error().message);
    queries.failed = true;
    return;
  }
  queries.sha256 = Sha256(*text);
  config.shared_text += queries.sha256;
  const std::size_t before = config.errors->messages().size();
  for (collectors::Collector& collector : ReadPeerQueries(*text, queries.file, *config.errors)) {
    const Status added = adding.Add(std::move(collector));
    if (!added.ok()) config.errors->Add(added.error().message);
  }
  queries.failed = config.errors->messages().size() > before;
}

}  // namespace

std::vector<std::string> AllMistakes(const Config& config) {
  std::vector<std::string> all = config.errors->messages();
  std::ranges::copy(config.file_sd_errors.messages(), std::back_inserter(all));
  return all;
}

std::vector<const Target*> AllTargets(const Config& config) {
  std::vector<const Target*> targets;
  if (config.target) targets.push_back(&*config.target);
  for (const Target& target : config.others) targets.push_back(&target);
  return targets;
}

Config ReadConfig(std::string_view text, const std::string& file) {
  Config config;
  YamlMap root = ReadYaml(text, file, *config.errors);
  const bool unread = !config.errors->empty();
  ReadTargets(root, config);
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
  Remember(root, config);
  return config;
}

Config LoadConfig(const std::string& path) {
  const Result<std::string> text = net::ReadRegularFile(path);
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
    std::vector<std::string> paths = Glob(pattern);
    if (paths.empty() && pattern.find_first_of("*?[") == std::string::npos) {
      if (MayHoldSecret(pattern)) {
        config.errors->Add("user collectors: " + ShownPath(pattern) + ": expected a file's path");
      } else {
        paths.push_back(pattern);
      }
    }
    for (const std::string& path : paths) {
      const Status added = AddCollector(path, adding, config.shared_text);
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
    config.errors->Add("there is no collector " + ShownKey(name) +
                       (nearest.empty() ? "; `pgbeacon explain` lists them"
                                        : "; did you mean '" + nearest + "'?"));
  }
}

}  // namespace pgbeacon::config
