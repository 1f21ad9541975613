#include "exporter/config/native.h"

#include <set>
#include <utility>

#include "exporter/config/client_tls.h"
#include "exporter/pg/conninfo.h"

namespace pgbeacon::config {
namespace {

std::optional<Entrypoint> ReadEntrypoint(YamlMap& target) {
  std::optional<YamlMap> map = target.Map("entrypoint");
  if (!map) return std::nullopt;
  const std::size_t mistakes = map->mistakes();
  Entrypoint entrypoint;
  entrypoint.conninfo = map->Require("dsn");
  entrypoint.password_file = map->String("password_file").value_or("");
  if (!entrypoint.conninfo.empty()) {
    const Status valid = pg::CheckConninfo(entrypoint.conninfo);
    if (!valid.ok()) map->Fail("dsn", "dsn: " + valid.error().message);
  }
  map->Finish();
  if (map->mistakes() != mistakes) return std::nullopt;
  return entrypoint;
}

std::vector<Pooler> ReadPoolers(YamlMap& target) {
  std::vector<Pooler> poolers;
  std::set<std::string> names;
  for (YamlMap& entry : target.Maps("pgbouncer")) {
    const std::size_t mistakes = entry.mistakes();
    Pooler pooler;
    pooler.conninfo = entry.Require("dsn");
    pooler.name = entry.String("name").value_or("pgbouncer");
    pooler.password_file = entry.String("password_file").value_or("");
    if (!names.insert(pooler.name).second) {
      entry.Fail("name", "there is a pgbouncer of this name already");
    }
    entry.Finish();
    if (entry.mistakes() == mistakes) poolers.push_back(std::move(pooler));
  }
  return poolers;
}

std::optional<PatroniApi> ReadPatroni(YamlMap& target) {
  std::optional<YamlMap> map = target.Map("patroni");
  if (!map) return std::nullopt;
  const std::size_t mistakes = map->mistakes();
  PatroniApi api;
  const std::string text = map->Require("url");
  if (!text.empty()) {
    Result<http::Url> url = http::ParseUrl(text);
    if (url.ok()) {
      api.url = *std::move(url);
    } else {
      map->Fail("url", "url: " + url.error().message);
    }
  }
  api.tls = ReadClientTls(*map, api.url.tls || map->mistakes() > mistakes, "not https://");
  map->Finish();
  if (map->mistakes() != mistakes) return std::nullopt;
  return api;
}

std::optional<Backrest> ReadBackrest(YamlMap& target) {
  std::optional<YamlMap> map = target.Map("pgbackrest");
  if (!map) return std::nullopt;
  const std::size_t mistakes = map->mistakes();
  Backrest backrest;
  backrest.file = map->String("file").value_or("");
  backrest.command = map->Strings("command");
  const std::string config = map->String("config").value_or("");
  const std::string stanza = map->String("stanza").value_or("");
  if (!backrest.file.empty() && (!backrest.command.empty() || !config.empty() || !stanza.empty())) {
    map->Fail("file", "give either file or what is run (command, config, stanza), not both");
  }
  map->Finish();
  if (map->mistakes() != mistakes) return std::nullopt;
  if (!backrest.file.empty()) return backrest;
  if (backrest.command.empty()) backrest.command = {"pgbackrest"};
  if (!config.empty()) backrest.command.push_back("--config=" + config);
  if (!stanza.empty()) backrest.command.push_back("--stanza=" + stanza);
  backrest.command.emplace_back("--output=json");
  backrest.command.emplace_back("info");
  return backrest;
}

std::vector<Inventory> ReadBackups(YamlMap& target) {
  std::vector<Inventory> backups;
  std::set<std::string> names;
  for (YamlMap& entry : target.Maps("backups")) {
    const std::size_t mistakes = entry.mistakes();
    Inventory inventory;
    inventory.name = entry.Require("name");
    inventory.kind = entry.String("kind").value_or("files");
    inventory.glob = entry.String("glob").value_or("");
    inventory.json = entry.String("json").value_or("");
    if (inventory.glob.empty() == inventory.json.empty()) {
      entry.Fail("name", "backups: give a glob of files or a json file, one of both");
    }
    if (!names.insert(inventory.name).second) {
      entry.Fail("name", "there are backups of this name already");
    }
    entry.Finish();
    if (entry.mistakes() == mistakes) backups.push_back(std::move(inventory));
  }
  return backups;
}

}  // namespace

Native ReadNative(YamlMap& target) {
  Native native;
  native.entrypoint = ReadEntrypoint(target);
  native.poolers = ReadPoolers(target);
  native.patroni = ReadPatroni(target);
  native.pgbackrest = ReadBackrest(target);
  native.backups = ReadBackups(target);
  return native;
}

}  // namespace pgbeacon::config
