#include "logparse/tally.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "logparse/cells.h"
#include "logparse/sample.h"
#include "logparse/tally_server.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kOther = "other";
constexpr std::string_view kUnknown = "unknown";
constexpr double kMostBytes = 1e18;  // beyond it a size is no measurement
constexpr std::string_view kThreshold = "pg_log_long_statement_threshold_seconds";

Family& Counter(std::map<std::string, Family>& families, const char* name, const char* help) {
  Family& out = families[name];
  if (!out.name.empty()) return out;
  out.name = name;
  out.help = help;
  out.type = MetricType::Counter;
  return out;
}

bool IsError(Severity severity) {
  return severity == Severity::kWarning || severity == Severity::kError ||
         severity == Severity::kFatal || severity == Severity::kPanic;
}

// sample# lines are taken from add-ons only: an application may print what it likes.
bool IsSampleLine(const Message& message) {
  return message.source == "app" && message.process.starts_with("heroku-") &&
         message.text.find("sample#") != std::string_view::npos;
}

/// What a row's messages tell about statements.
struct StatementUse {
  enum class Kind : std::uint8_t { kNone, kRun, kPreparation, kPlan, kTempFile };
  Kind kind = Kind::kNone;
  std::size_t field = 0;  // the duration or size
};

StatementUse UseOf(const EventRow& row, const std::vector<FamilySpec>& families) {
  using Kind = StatementUse::Kind;
  for (const MetricUse& use : row.metrics) {
    const std::string& name = families[static_cast<std::size_t>(use.family)].name;
    if (row.side != Side::kServer || !use.value) continue;
    const auto field = static_cast<std::size_t>(*use.value);
    if (name == "pg_log_statement_duration_seconds") {
      const bool preparation = std::ranges::any_of(use.labels, [](const auto& label) {
        return label.value == "parse" || label.value == "bind";
      });
      return {preparation ? Kind::kPreparation : Kind::kRun, field};
    }
    if (name == "pg_log_plan_duration_seconds") return {Kind::kPlan, field};
    if (name == "pg_log_temporary_file_bytes") return {Kind::kTempFile, field};
  }
  return {};
}

/// What follows the fields of an event and the next colon, as in "duration: 1 ms  statement: ...".
std::string_view TextAfterFields(const Message& message, const Event& event) {
  const char* const end = message.text.data() + message.text.size();
  const char* at = message.text.data();
  for (const FieldValue& field : event.fields) {
    if (field.present) at = std::max(at, field.text.data() + field.text.size());
  }
  at = std::find(at, end, ':');
  if (at == end) return {};
  return Trim({at + 1, static_cast<std::size_t>(end - at - 1)});
}

}  // namespace

struct Tally::State {
  State(const Catalogue& catalogue, TallyOptions options);

  std::string_view SqlstateLabel(const Message& message, const Event& event) const {
    const std::string_view code = SqlstateOf(message, event);
    if (code.empty()) return kUnknown;
    return catalogue.KnownSqlstate(code) ? code : kOther;
  }

  std::vector<const ServerTally*> Sorted() const {
    std::vector<const ServerTally*> sorted;
    for (const auto& server : servers) sorted.push_back(server.get());
    std::ranges::sort(sorted, {}, &ServerTally::name);
    return sorted;
  }

  std::size_t RowOf(const Event& event) const {
    return static_cast<std::size_t>(event.row - catalogue.rows().data());
  }

  void CountServer(ServerTally& server, const Message& message, const Event& event) const;
  void CountStatement(StatementTable& statements, const Message& message, const Event& event) const;
  void CountOther(ServerTally& server, const Message& message, const Event& event,
                  double now) const;
  void CollectCounts(const Labels& labels, const LogCounts& counts,
                     std::map<std::string, Family>& families) const;
  void CollectCells(const ServerTally& server, std::map<std::string, Family>& families) const;
  void CollectApart(const ServerTally& server, double now,
                    std::map<std::string, Family>& families) const;

  const Catalogue& catalogue;
  TallyOptions options;
  CellPlan plan;
  std::vector<StatementUse> statement_uses;  // by row
  std::vector<std::unique_ptr<ServerTally>> servers;
  std::unordered_map<std::string, int> by_name;
};

Tally::State::State(const Catalogue& catalogue, TallyOptions options)
    : catalogue(catalogue), options(std::move(options)), plan(catalogue) {
  for (const EventRow& row : catalogue.rows()) {
    statement_uses.push_back(UseOf(row, catalogue.families()));
  }
}

Tally::Tally(const Catalogue& catalogue, TallyOptions options)
    : state_(std::make_unique<State>(catalogue, std::move(options))) {}
Tally::~Tally() = default;
Tally::Tally(Tally&&) noexcept = default;
Tally& Tally::operator=(Tally&&) noexcept = default;

int Tally::Server(std::string_view name) {
  const auto [at, added] =
      state_->by_name.try_emplace(std::string(name), static_cast<int>(state_->servers.size()));
  if (added) {
    auto server = std::make_unique<ServerTally>(state_->plan, std::string(name),
                                                state_->options.datname_limit);
    if (state_->options.fingerprints > 0) {
      server->statements.emplace(state_->options.fingerprints, state_->options.keep_texts);
    }
    state_->servers.push_back(std::move(server));
  }
  return at->second;
}

void Tally::State::CountServer(ServerTally& server, const Message& message,
                               const Event& event) const {
  const Severity severity = SeverityOf(message, event);
  LogCounts& counts = server.CountsOf(message, severity);
  if (!options.own_application.empty() && message.application == options.own_application) {
    if (severity != Severity::kNone) ++counts.own[static_cast<std::size_t>(severity)];
    return;
  }
  if (severity != Severity::kNone) ++counts.messages[static_cast<std::size_t>(severity)];
  if (IsError(severity)) counts.errors.Count(severity, SqlstateLabel(message, event));
  if (event.row == nullptr || event.row->catch_all) {
    ++counts.other_events;
    return;
  }
  const std::size_t row = RowOf(event);
  ++counts.events[row];
  if (event.row->metrics.empty()) return;
  counts.cells.Count(event, row, options.long_statement_seconds);
  if (server.statements) CountStatement(*server.statements, message, event);
}

void Tally::State::CountStatement(StatementTable& statements, const Message& message,
                                  const Event& event) const {
  using Kind = StatementUse::Kind;
  const StatementUse& use = statement_uses[RowOf(event)];
  if (use.kind == Kind::kNone || !event.fields[use.field].present) return;
  const double value = event.fields[use.field].number;
  switch (use.kind) {
    case Kind::kRun:
    case Kind::kPreparation:
      statements.Run(TextAfterFields(message, event), value, use.kind == Kind::kRun);
      break;
    case Kind::kPlan:
      statements.AddPlan(TextAfterFields(message, event));
      break;
    case Kind::kTempFile:
      if (value >= 0 && value <= kMostBytes) {
        statements.AddTempFile(message.statement, static_cast<std::uint64_t>(value));
      }
      break;
    case Kind::kNone:
      break;
  }
}

/// What the platform or a pooler says.
void Tally::State::CountOther(ServerTally& server, const Message& message, const Event& event,
                              double now) const {
  if (IsSampleLine(message)) {
    const double time = now > 0 ? now : ParseLogTime(message.time).value_or(0);
    server.samples.Take(catalogue.samples(), message.text, time);
  }
  if (message.side == Side::kPooler && event.row == nullptr) ++server.other_pooler_lines;
  if (event.row == nullptr || event.row->metrics.empty()) return;
  server.none().cells.Count(event, RowOf(event), options.long_statement_seconds);
}

void Tally::Count(int server_index, const Message& message, const Event& event, double now) {
  ServerTally& server = *state_->servers[static_cast<std::size_t>(server_index)];
  if (message.side == Side::kServer) {
    state_->CountServer(server, message, event);
  } else if (message.side == Side::kClient) {
    const Severity severity = SeverityOf(message, event);
    if (IsError(severity)) {
      server.client_errors.Count(severity, state_->SqlstateLabel(message, event));
    }
  } else {
    state_->CountOther(server, message, event, now);
  }
}

void Tally::Merge(const Tally& other) {
  for (const auto& theirs : other.state_->servers) {
    state_->servers[static_cast<std::size_t>(Server(theirs->name()))]->Merge(*theirs);
  }
}

void Tally::State::CollectCounts(const Labels& labels, const LogCounts& counts,
                                 std::map<std::string, Family>& families) const {
  const auto with = [&labels](std::initializer_list<Labels::value_type> more) {
    Labels all = labels;
    all.insert(all.end(), more);
    return all;
  };
  Family& messages =
      Counter(families, "pg_log_messages_total", "Messages of the server by severity.");
  for (std::size_t i = 0; i < kSeverities; ++i) {
    const std::string severity(SeverityName(static_cast<Severity>(i)));
    if (counts.born || counts.messages[i] > 0) {
      AddSample(messages, with({{"severity", severity}}), static_cast<double>(counts.messages[i]));
    }
    if (counts.own[i] == 0) continue;
    AddSample(Counter(families, "pg_log_own_messages_total",
                      "Messages that pgbeacon's own sessions caused, in none of the other counts."),
              with({{"severity", severity}}), static_cast<double>(counts.own[i]));
  }
  counts.errors.Collect(labels, Counter(families, "pg_log_errors_total",
                                        "Messages of severity WARNING and worse by SQLSTATE."));
  Family& events =
      Counter(families, "pg_log_events_total",
              "Events of the catalogue; event=\"other\" where no row took the message.");
  const auto add_event = [&](std::string_view name, std::string_view event_class,
                             std::uint64_t count) {
    AddSample(events, with({{"event", std::string(name)}, {"class", std::string(event_class)}}),
              static_cast<double>(count));
  };
  const std::vector<EventRow>& rows = catalogue.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (counts.events[i] > 0 || (rows[i].born && counts.born)) {
      add_event(rows[i].name, rows[i].event_class, counts.events[i]);
    }
  }
  if (counts.other_events > 0) add_event(kOther, kOther, counts.other_events);
}

void Tally::State::CollectCells(const ServerTally& server,
                                std::map<std::string, Family>& families) const {
  const std::vector<FamilySpec>& specs = catalogue.families();
  for (const auto& [database, counts] : server.All()) {
    const Labels of_server = {{"server", server.name()}};
    Labels of_database = of_server;
    if (database) of_database.emplace_back("datname", *database);
    CollectCounts(of_database, *counts, families);
    for (std::size_t f = 0; f < specs.size(); ++f) {
      Family& out = families[specs[f].name];
      out.name = specs[f].name;
      out.help = specs[f].help;
      out.type = specs[f].type == FamilySpec::Type::kCounter ? MetricType::Counter
                 : specs[f].type == FamilySpec::Type::kGauge ? MetricType::Gauge
                                                             : MetricType::Histogram;
      counts->cells.Collect(static_cast<int>(f), plan.by_database(f) ? of_database : of_server,
                            out);
    }
  }
}

/// What has no databases.
void Tally::State::CollectApart(const ServerTally& server, double now,
                                std::map<std::string, Family>& families) const {
  const Labels labels = {{"server", server.name()}};
  server.client_errors.Collect(labels,
                               Counter(families, "pg_client_log_errors_total",
                                       "Errors as clients print them, by SQLSTATE; never part of "
                                       "pg_log_errors_total."));
  if (server.other_pooler_lines > 0) {
    AddSample(Counter(families, "pgbouncer_log_events_total", "Lines of PgBouncer's log by event."),
              {{"server", server.name()}, {"event", std::string(kOther)}},
              static_cast<double>(server.other_pooler_lines));
  }
  server.samples.Collect(catalogue.samples(), server.name(), now, families);
  if (server.samples.unread() > 0) {
    AddSample(Counter(families, "pg_sample_unread_values_total",
                      "Values of sample# records that are no number of a known unit."),
              labels, static_cast<double>(server.samples.unread()));
  }
  if (server.samples.dropped() > 0) {
    Family& dropped = families["pgbeacon_series_dropped"];
    dropped.name = "pgbeacon_series_dropped";
    dropped.help = "Series left out because there were too many.";
    dropped.type = MetricType::Gauge;
    if (dropped.metric.empty()) AddSample(dropped, {{"collector", "sample"}}, 0);
    dropped.metric[0].gauge.value += static_cast<double>(server.samples.dropped());
  }
  if (server.statements) server.statements->Collect(server.name(), families);
}

Families Tally::Collect(double now) const {
  std::map<std::string, Family> families;
  for (const ServerTally* server : state_->Sorted()) {
    state_->CollectCells(*server, families);
    state_->CollectApart(*server, now, families);
  }
  Families out;
  AddSample(AddFamily(out, std::string(kThreshold), MetricType::Gauge,
                      "From which duration on a logged statement counts as long."),
            {}, state_->options.long_statement_seconds);
  for (auto& [name, family] : families) {
    if (!family.metric.empty()) out.push_back(std::move(family));
  }
  std::ranges::sort(out, {}, &Family::name);
  return out;
}

std::vector<Tally::EventCount> Tally::Events() const {
  std::vector<EventCount> out;
  std::uint64_t other = 0;
  std::vector<std::uint64_t> counted(state_->catalogue.rows().size());
  for (const auto& server : state_->servers) {
    for (const auto& [database, counts] : server->All()) {
      other += counts->other_events;
      std::ranges::transform(counted, counts->events, counted.begin(), std::plus());
    }
  }
  const std::vector<EventRow>& rows = state_->catalogue.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (counted[i] > 0) out.push_back({rows[i].name, rows[i].event_class, counted[i]});
  }
  if (other > 0) out.push_back({std::string(kOther), std::string(kOther), other});
  std::ranges::stable_sort(out, std::greater<>(), &EventCount::count);
  return out;
}

StatementTotals Tally::Statements() const {
  StatementTable all(1, state_->options.keep_texts);
  for (const auto& server : state_->servers) {
    if (server->statements) all.Merge(*server->statements);
  }
  return all.Totals();
}

}  // namespace pgbeacon::log
