#include "exporter/config/target.h"

#include <algorithm>
#include <iterator>

#include "base/shown.h"
#include "base/text.h"
#include "collectors/engine/label_limit.h"
#include "exporter/pg/conninfo.h"

namespace pgbeacon::config {
namespace {

/// Keys that are libpq keywords of the same name, but for `database`.
constexpr const char* kParts[] = {"host",    "port",        "user",    "database", "service",
                                  "sslmode", "sslrootcert", "sslcert", "sslkey",   "passfile"};

std::string KeywordOf(std::string_view key) {
  return key == "database" ? "dbname" : std::string(key);
}

void SetPart(std::vector<std::pair<std::string, std::string>>& parts, std::string keyword,
             std::string value) {
  const auto known = std::ranges::find(parts, keyword, [](const auto& part) { return part.first; });
  if (known != parts.end()) {
    known->second = std::move(value);
  } else {
    parts.emplace_back(std::move(keyword), std::move(value));
  }
}

void ReadLabels(YamlMap& map, Labels& labels) {
  for (auto& [name, value] : map.StringMap("labels")) {
    if (!IsLabelName(name) || name.starts_with("__") || name == "server") {
      map.Fail("labels", "labels: " + ShownKey(name) + " cannot be a label of a target");
      continue;
    }
    SetPart(labels, name, value);
  }
}

std::optional<scrape::Discovery> ReadDatabases(YamlMap& target) {
  std::optional<YamlMap> map = target.Map("databases");
  if (!map) return std::nullopt;
  scrape::Discovery discovery;
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

/// A value as text in which everything that counts is told apart.
void Dump(const YamlValue& value, std::string& out) {
  out += value.quoted ? "'" : "";
  out += std::to_string(value.scalar.size()) + ":" + value.scalar;
  for (const YamlValue& item : value.items) {
    out += "-";
    Dump(item, out);
  }
  for (const auto& [key, member] : value.members) {
    out += "{" + key + "=";
    Dump(member, out);
  }
  out += ";";
}

/// db.example.com:5432, 10.0.0.1, [::1]:5432
std::pair<std::string, std::string> HostAndPort(const std::string& address) {
  if (address.starts_with("[")) {
    const std::size_t end = address.find(']');
    if (end != std::string::npos) {
      const std::string rest = address.substr(end + 1);
      return {address.substr(1, end - 1), rest.starts_with(":") ? rest.substr(1) : ""};
    }
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, ""};
  return {address.substr(0, colon), address.substr(colon + 1)};
}

}  // namespace

std::string TextOf(const YamlValue& value, const std::set<std::string>& without) {
  std::string out;
  if (value.kind != YamlValue::Kind::kMap) {
    Dump(value, out);
    return out;
  }
  for (const auto& [key, member] : value.members) {
    if (without.contains(key)) continue;
    out += "{" + key + "=";
    Dump(member, out);
  }
  return out;
}

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

collectors::Choice ReadChoice(YamlMap& map) {
  collectors::Choice choice;
  choice.enabled = map.Bool("enabled");
  choice.interval = map.Time("interval");
  choice.timeout = map.Time("timeout");
  if (const auto limit = map.Int("limit")) {
    if (*limit < 1) map.Fail("limit", "limit: expected at least 1");
    choice.limit = static_cast<std::size_t>(*limit);
  }
  choice.label_limit = collectors::ReadLabelLimit(map);
  for (auto& [name, value] : map.StringMap("options")) choice.options[name] = value;
  map.Finish();
  return choice;
}

TargetReader::TargetReader(YamlMap& root) {
  ReadAuthModules(root);
  if (std::optional<YamlMap> map = root.Map("defaults")) {
    ReadInto(*map, defaults_);
    map->Finish();
  }
  for (auto& [name, map] : root.NamedMaps("groups")) {
    Draft group = defaults_;
    ReadInto(map, group);
    map.Finish();
    groups_.emplace(name, std::move(group));
  }
}

void TargetReader::ReadAuthModules(YamlMap& root) {
  for (auto& [name, map] : root.NamedMaps("auth_modules")) {
    Parts parts;
    // What stands here by mistake may be the password.
    if (map.String("type").value_or("userpass") != "userpass") {
      map.Fail("type", "type: expected userpass");
    }
    if (std::optional<YamlMap> login = map.Map("userpass")) {
      if (const auto user = login->String("username")) parts.emplace_back("user", *user);
      if (const auto password = login->String("password"))
        parts.emplace_back("password", *password);
      login->Finish();
    }
    for (auto& [keyword, value] : map.StringMap("options")) parts.emplace_back(keyword, value);
    map.Finish();
    auth_modules_.emplace(name, std::move(parts));
  }
}

/// What every target may have, and a group and the defaults too.
void TargetReader::ReadInto(YamlMap& map, Draft& draft) const {
  draft.target.text += TextOf(map.value(), {"labels", "targets"});
  draft.target.where = map.Where();
  if (const auto name = map.String("auth_module")) {
    const auto module = auth_modules_.find(*name);
    if (module == auth_modules_.end()) {
      map.Fail("auth_module", "auth_module: there is no such entry in auth_modules");
    } else {
      for (const auto& [keyword, value] : module->second) SetPart(draft.parts, keyword, value);
    }
  }
  for (const char* key : kParts) {
    if (auto value = map.String(key)) SetPart(draft.parts, KeywordOf(key), *std::move(value));
  }
  if (auto file = map.String("user_file")) draft.target.user_file = *std::move(file);
  if (auto file = map.String("password_file")) draft.target.password_file = *std::move(file);
  ReadLabels(map, draft.target.labels);
  if (auto databases = ReadDatabases(map)) draft.target.databases = *std::move(databases);
  if (map.Has("limits")) draft.target.limits = ReadLimits(map);
  for (auto& [name, choice] : map.NamedMaps("collectors")) {
    draft.target.collectors[name] = ReadChoice(choice);
  }
}

/// The draft of the entry's group; nothing where there is no such group.
std::optional<TargetReader::Draft> TargetReader::Begin(YamlMap& map) const {
  const std::optional<std::string> name = map.String("group");
  if (!name) return defaults_;
  const auto group = groups_.find(*name);
  if (group != groups_.end()) return group->second;
  std::vector<std::string> names;
  for (const auto& [known, draft] : groups_) names.push_back(known);
  map.Fail("group", "group: there is no such entry in groups" + FoundAmong(*name, names));
  return std::nullopt;
}

std::vector<Target> TargetReader::Read(YamlMap& map) const {
  std::optional<Draft> draft = Begin(map);
  bool usable = draft.has_value();
  if (!draft) draft.emplace();
  draft->target.name = map.String("name").value_or("");
  draft->dsn = map.String("dsn").value_or("");
  const bool parts = std::ranges::any_of(kParts, [&map](const char* key) { return map.Has(key); });
  if (!draft->dsn.empty() && parts) {
    map.Fail("dsn", "give either dsn or its parts (host, port, ...), not both");
    usable = false;
  }
  ReadInto(map, *draft);
  if (draft->dsn.empty() && draft->parts.empty()) {
    map.Fail("name", "a target needs dsn, or host, port, user and database");
    usable = false;
  }
  for (YamlMap& entry : map.Maps("sources")) {
    draft->target.sources.push_back(ReadSource(entry));
    entry.Finish();
  }
  draft->target.native = ReadNative(map);
  map.Finish();
  if (!usable) return {};
  return Build(*std::move(draft), map);
}

std::vector<Target> TargetReader::ReadDiscovered(YamlMap& map) const {
  if (!map.Has("targets")) return Read(map);
  const std::optional<Draft> group = Begin(map);
  Draft draft = group.value_or(Draft());
  ReadInto(map, draft);
  const std::vector<std::string> addresses = map.Strings("targets");
  map.Finish();
  std::vector<Target> targets;
  if (!group) return targets;
  for (const std::string& address : addresses) {
    Draft one = draft;
    auto [host, port] = HostAndPort(address);
    one.target.text += address;
    SetPart(one.parts, "host", std::move(host));
    if (!port.empty()) SetPart(one.parts, "port", std::move(port));
    std::ranges::move(Build(std::move(one), map), std::back_inserter(targets));
  }
  return targets;
}

/// The keywords of a DSN win over parts of the group.
std::vector<Target> TargetReader::Build(Draft draft, YamlMap& map) {
  Result<pg::Conninfo> conninfo = pg::Conninfo::Parse(draft.dsn);
  if (!conninfo.ok()) {
    map.Fail("dsn", conninfo.error().message);
    return {};
  }
  for (auto& [keyword, value] : draft.parts) {
    if (!conninfo->Find(keyword)) conninfo->Set(keyword, std::move(value));
  }
  const Status valid = pg::CheckConninfo(conninfo->Text());
  if (!valid.ok()) {
    map.Fail("name", valid.error().message);
    return {};
  }
  std::vector<Target> targets;
  const std::vector<pg::Conninfo> hosts = pg::PerHost(*conninfo);
  for (const pg::Conninfo& host : hosts) {
    Target target = draft.target;
    target.conninfo = host.Text();
    const std::string address = pg::ServerName(target.conninfo);
    if (target.name.empty()) {
      target.name = address;
    } else if (hosts.size() > 1) {
      target.name += "/" + address;
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace pgbeacon::config
