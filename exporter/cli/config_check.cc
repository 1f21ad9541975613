#include <fmt/format.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "base/text.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/table.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::cli {
namespace {

int Fail(const std::string& file, const std::string& message) {
  std::fputs(fmt::format("{}\npgbeacon: {} is not valid\n", message, file).c_str(), stderr);
  return 1;
}

/// "kind=card took_seconds=0.245"
std::string Fields(const log::Event& event) {
  std::string out;
  for (std::size_t i = 0; i < event.fields.size(); ++i) {
    const log::FieldValue& value = event.fields[i];
    const log::FieldSpec& spec = event.row->fields[i];
    if (!value.present) continue;
    out += fmt::format("{}{}=", out.empty() ? "" : " ", spec.name);
    out += spec.number ? fmt::format("{}", value.number) : std::string(value.text);
  }
  return out;
}

/// Which event took each sample of the users' rows, with the fields found.
std::string ShowSamples(const log::Catalogue& events) {
  std::vector<TableRow> rows;
  log::Event event;
  for (std::size_t i = events.own_rows(); i < events.rows().size(); ++i) {
    const log::EventRow& row = events.rows()[i];
    for (const std::string& sample : row.samples) {
      events.Match(log::SampleMessage(row, sample), event);
      rows.push_back({event.row == nullptr ? "" : event.row->name, sample, Fields(event)});
    }
  }
  return rows.empty() ? "" : "\n" + FormatTable({"EVENT", "SAMPLE", "FIELDS"}, rows);
}

/// Built-in events whose own messages users' rows take from them: no mistake, but worth knowing.
std::string ShowTaken(const log::Catalogue& events) {
  std::string out;
  log::Event event;
  for (std::size_t i = 0; i < events.own_rows(); ++i) {
    const log::EventRow& row = events.rows()[i];
    for (const std::string& sample : row.samples) {
      events.Match(log::SampleMessage(row, sample), event);
      if (event.row == nullptr || event.row < events.rows().data() + events.own_rows()) continue;
      out += fmt::format("\nnote: '{}' takes messages of the built-in event '{}': {}\n",
                         event.row->name, row.name, sample);
    }
  }
  return out;
}

}  // namespace

int RunConfigCheck(const std::string& file) {
  TargetFlags flags;
  flags.config_file = file;
  const auto no_environment = [](const std::string&) { return std::optional<std::string>(); };
  Result<Setup> setup = Prepare(flags, no_environment);
  if (!setup.ok()) return Fail(file, setup.error().message);
  const Result<log::Catalogue> events = config::LoadEvents(setup->config);
  if (!events.ok()) return Fail(file, events.error().message);
  const std::vector<std::string> mistakes = AllMistakes(setup->config);
  if (!mistakes.empty()) return Fail(file, Join(mistakes, "\n"));
  std::size_t of_targets = 0;
  for (const config::Target* target : AllTargets(setup->config)) {
    of_targets += target->sources.size();
  }
  std::fputs(
      fmt::format("{} is valid: {} target(s), {} log source(s), {} collectors, {} log events\n{}{}",
                  file, AllTargets(setup->config).size(),
                  setup->config.sources.size() + setup->config.syslog.size() + of_targets,
                  setup->collectors->collectors().size(), events->rows().size(),
                  ShowSamples(*events), ShowTaken(*events))
          .c_str(),
      stdout);
  return 0;
}

}  // namespace pgbeacon::cli
