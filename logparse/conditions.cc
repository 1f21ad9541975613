#include "logparse/conditions.h"

#include <map>
#include <string>
#include <utility>

#include "base/yaml.h"
#include "logparse/data.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kFile = "logparse/conditions.yml";

// "undefined_table" -> "UndefinedTable".
std::string CamelCase(std::string_view name) {
  std::string out;
  bool start = true;
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z';
    if (c != '_') out += start && lower ? static_cast<char>(c - 'a' + 'A') : c;
    start = c == '_';
  }
  return out;
}

const std::map<std::string, std::string, std::less<>>& Conditions() {
  static const auto conditions = [] {
    YamlErrors errors;
    YamlMap root = ReadYaml(DataFile(kFile), std::string(kFile), errors);
    std::map<std::string, std::string, std::less<>> out;
    for (auto& [name, code] : root.StringMap("conditions")) {
      out.emplace(CamelCase(name), std::move(code));
    }
    return out;
  }();
  return conditions;
}

}  // namespace

std::string_view SqlstateOfException(std::string_view name) {
  constexpr std::string_view kError = "Error";
  const auto& conditions = Conditions();
  auto found = conditions.find(name);
  if (found == conditions.end() && name.ends_with(kError)) {
    found = conditions.find(name.substr(0, name.size() - kError.size()));
  }
  // Ruby's pg keeps the prefix that the transaction_rollback class has in PostgreSQL's sources.
  if (found == conditions.end() && name.starts_with("TR")) found = conditions.find(name.substr(2));
  return found == conditions.end() ? std::string_view() : found->second;
}

}  // namespace pgbeacon::log
