#include "exporter/cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/text.h"
#include "exporter/cli/table.h"

namespace pgbeacon::cli {
namespace {

struct Flag {
  std::string names;
  std::string group;
  std::string value;  ///< unless given
  std::string variable;
  std::string help;
};

std::vector<Flag> FlagsOf(const CLI::App& command) {
  std::vector<Flag> flags;
  for (const CLI::Option* option : command.get_options()) {
    std::vector<std::string> names;
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    const bool plain = option->get_group() == "Options";  // CLI11's word for those of no group
    flags.push_back({Join(names, ", "), plain ? "General" : option->get_group(),
                     option->get_default_str(), option->get_envname(), option->get_description()});
  }
  const std::vector<std::string> groups = {
      "General", "Web", "Databases", "Collectors", "As postgres_exporter", "Log sources"};
  std::ranges::stable_sort(flags, {}, [&](const Flag& flag) {
    return std::ranges::find(groups, flag.group) - groups.begin();
  });
  return flags;
}

std::string ToJson(const std::vector<Flag>& flags) {
  boost::json::array out;
  for (const Flag& flag : flags) {
    out.push_back(boost::json::object{{"flag", flag.names},
                                      {"group", flag.group},
                                      {"default", flag.value},
                                      {"variable", flag.variable},
                                      {"help", flag.help}});
  }
  return boost::json::serialize(out) + "\n";
}

std::string ToTable(const std::vector<Flag>& flags) {
  std::vector<TableRow> rows;
  for (const Flag& flag : flags) {
    rows.push_back({flag.names, flag.value, flag.variable, flag.help});
  }
  return FormatTable({"FLAG", "DEFAULT", "VARIABLE", "HELP"}, rows);
}

std::string Code(const std::string& text) { return text.empty() ? "" : "`" + text + "`"; }

std::string ToMarkdown(const std::vector<Flag>& flags) {
  std::string out =
      "# Flags\n\n"
      "What `pgbeacon serve` takes, which is also what pgbeacon takes without a command. A "
      "variable "
      "of the environment counts\nwhere the flag is not given. This page is made by `pgbeacon "
      "flags "
      "-o markdown`.\n";
  std::string group;
  for (const Flag& flag : flags) {
    if (flag.group != group) {
      group = flag.group;
      out +=
          "\n## " + group + "\n\n| flag | default | variable | what it does |\n|---|---|---|---|\n";
    }
    out += "| " + Code(flag.names) + " | " + Code(flag.value) + " | " + Code(flag.variable) +
           " | " + flag.help + " |\n";
  }
  return out;
}

}  // namespace

void PrintFlags(const CLI::App& command, Output output) {
  const std::vector<Flag> flags = FlagsOf(command);
  const auto print = output == Output::kJson       ? ToJson
                     : output == Output::kMarkdown ? ToMarkdown
                                                   : ToTable;
  std::fputs(print(flags).c_str(), stdout);
}

}  // namespace pgbeacon::cli
