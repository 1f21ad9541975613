#include "collectors/engine/known.h"

#include <cassert>
#include <span>
#include <utility>
#include <vector>

#include "base/embedded.h"
#include "base/text.h"
#include "base/yaml.h"
#include "collectors/engine/sql.h"

namespace pgbeacon {

extern const EmbeddedFile kKnownColumnsFile[];
extern const std::size_t kKnownColumnsFileCount;

namespace collectors {
namespace {

using ColumnsByRelation = std::map<std::string, std::set<std::string>>;

ColumnsByRelation ReadColumns(int major) {
  YamlErrors errors;
  ColumnsByRelation columns;
  for (const EmbeddedFile& file : std::span(kKnownColumnsFile, kKnownColumnsFileCount)) {
    YamlMap root = ReadYaml(file.text, std::string(file.name), errors);
    for (YamlMap& relation : root.Maps("relations")) {
      std::set<std::string>& names = columns[relation.Require("name")];
      for (const auto& [versions, listed] : relation.StringMap("columns")) {
        const std::optional<VersionRange> range = ParseVersionRange(versions);
        if (!range || !range->Contains(major)) continue;
        for (std::string& name : Split(listed, ' ')) names.insert(std::move(name));
      }
    }
  }
  assert(errors.empty());
  return columns;
}

}  // namespace

ServerFacts KnownFacts(const Catalogue& catalogue, int major, bool standby) {
  ServerFacts facts;
  facts.version_num = major * 10000;
  facts.in_recovery = standby;
  facts.superuser = true;
  facts.columns = ReadColumns(major);
  for (const auto& collector : catalogue.collectors()) {
    const Needs& needs = collector->needs;
    if (!needs.extension.empty()) facts.extensions[needs.extension] = {"public", ""};
    for (const Query& query : collector->queries) {
      for (const std::string& text : {query.sql, query.from}) {
        for (const std::string& name : ExtensionsIn(text)) facts.extensions[name] = {"public", ""};
      }
    }
    const std::vector<std::string> setting = Split(needs.setting, '=');
    if (!setting.empty()) facts.settings[setting[0]] = setting.size() > 1 ? setting[1] : "on";
  }
  return facts;
}

}  // namespace collectors
}  // namespace pgbeacon
