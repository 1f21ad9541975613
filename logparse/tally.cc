#include "logparse/tally.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "logparse/cells.h"
#include "logparse/sample.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kOther = "other";
constexpr std::string_view kUnknown = "unknown";
constexpr std::string_view kThreshold = "pg_log_long_statement_threshold_seconds";

bool IsError(Severity severity) {
  return severity == Severity::kWarning || severity == Severity::kError ||
         severity == Severity::kFatal || severity == Severity::kPanic;
}

// sample# lines are taken from add-ons only: an application may print what it likes.
bool IsSampleLine(const Message& message) {
  return message.source == "app" && message.process.starts_with("heroku-") &&
         message.text.find("sample#") != std::string_view::npos;
}

using ErrorKey = std::pair<Severity, std::string>;
struct ErrorKeyView {
  Severity severity;
  std::string_view sqlstate;
};
struct ErrorLess {
  using is_transparent = void;
  static ErrorKeyView View(const ErrorKey& key) { return {key.first, key.second}; }
  static ErrorKeyView View(const ErrorKeyView& key) { return key; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    const ErrorKeyView left = View(a);
    const ErrorKeyView right = View(b);
    return left.severity != right.severity ? left.severity < right.severity
                                           : left.sqlstate < right.sqlstate;
  }
};
using ErrorCounts = std::map<ErrorKey, std::uint64_t, ErrorLess>;

void CountError(ErrorCounts& errors, Severity severity, std::string_view sqlstate) {
  const auto known = errors.find(ErrorKeyView{severity, sqlstate});
  if (known != errors.end()) {
    ++known->second;
  } else {
    errors.emplace(ErrorKey(severity, sqlstate), 1);
  }
}

struct ServerTally {
  ServerTally(const CellPlan& plan, std::string name)
      : name(std::move(name)), events(plan.catalogue().rows().size()), cells(plan) {
    for (const auto& error : plan.catalogue().born_errors()) errors[error] = 0;
  }

  std::string name;
  std::array<std::uint64_t, kSeverities> messages{};
  std::array<std::uint64_t, kSeverities> own{};
  std::vector<std::uint64_t> events;  // by row
  std::uint64_t other_events = 0;
  ErrorCounts errors;
  ErrorCounts client_errors;
  ServerCells cells;
  SampleStore samples;
};

}  // namespace

struct Tally::State {
  State(const Catalogue& catalogue, TallyOptions options)
      : catalogue(catalogue), options(std::move(options)), plan(catalogue) {}

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

  void CountServer(ServerTally& server, const Message& message, const Event& event) const;
  void CollectCore(const ServerTally& server, std::map<std::string, Family>& families) const;

  const Catalogue& catalogue;
  TallyOptions options;
  CellPlan plan;
  std::vector<std::unique_ptr<ServerTally>> servers;
  std::unordered_map<std::string, int> by_name;
};

Tally::Tally(const Catalogue& catalogue, TallyOptions options)
    : state_(std::make_unique<State>(catalogue, std::move(options))) {}
Tally::~Tally() = default;
Tally::Tally(Tally&&) noexcept = default;
Tally& Tally::operator=(Tally&&) noexcept = default;

int Tally::Server(std::string_view name) {
  const auto [at, added] =
      state_->by_name.try_emplace(std::string(name), static_cast<int>(state_->servers.size()));
  if (added) {
    state_->servers.push_back(std::make_unique<ServerTally>(state_->plan, std::string(name)));
  }
  return at->second;
}

void Tally::State::CountServer(ServerTally& server, const Message& message,
                               const Event& event) const {
  const Severity severity = SeverityOf(message, event);
  if (!options.own_application.empty() && message.application == options.own_application) {
    if (severity != Severity::kNone) ++server.own[static_cast<std::size_t>(severity)];
    return;
  }
  if (severity != Severity::kNone) ++server.messages[static_cast<std::size_t>(severity)];
  if (IsError(severity)) CountError(server.errors, severity, SqlstateLabel(message, event));
  if (event.row == nullptr || event.row->catch_all) {
    ++server.other_events;
    return;
  }
  const auto row = static_cast<std::size_t>(event.row - catalogue.rows().data());
  ++server.events[row];
  if (!event.row->metrics.empty()) server.cells.Count(event, row, options.long_statement_seconds);
}

void Tally::Count(int server_index, const Message& message, const Event& event, double now) {
  ServerTally& server = *state_->servers[static_cast<std::size_t>(server_index)];
  if (message.side == Side::kServer) {
    state_->CountServer(server, message, event);
  } else if (message.side == Side::kClient) {
    const Severity severity = SeverityOf(message, event);
    if (IsError(severity)) {
      CountError(server.client_errors, severity, state_->SqlstateLabel(message, event));
    }
  } else {
    if (IsSampleLine(message)) server.samples.Take(state_->catalogue.samples(), message.text, now);
    if (event.row != nullptr && !event.row->metrics.empty()) {
      const auto row = static_cast<std::size_t>(event.row - state_->catalogue.rows().data());
      server.cells.Count(event, row, state_->options.long_statement_seconds);
    }
  }
}

void Tally::Merge(const Tally& other) {
  for (const auto& theirs : other.state_->servers) {
    ServerTally& ours = *state_->servers[static_cast<std::size_t>(Server(theirs->name))];
    for (std::size_t i = 0; i < kSeverities; ++i) {
      ours.messages[i] += theirs->messages[i];
      ours.own[i] += theirs->own[i];
    }
    for (std::size_t i = 0; i < ours.events.size(); ++i) ours.events[i] += theirs->events[i];
    ours.other_events += theirs->other_events;
    for (const auto& [key, count] : theirs->errors) ours.errors[key] += count;
    for (const auto& [key, count] : theirs->client_errors) ours.client_errors[key] += count;
    ours.cells.Merge(theirs->cells);
    ours.samples.Merge(theirs->samples);
  }
}

void Tally::State::CollectCore(const ServerTally& server,
                               std::map<std::string, Family>& families) const {
  const auto family = [&families](const char* name, const char* help) -> Family& {
    Family& out = families[name];
    out.name = name;
    out.help = help;
    out.type = MetricType::Counter;
    return out;
  };
  Family& messages = family("pg_log_messages_total", "Messages of the server by severity.");
  for (std::size_t i = 0; i < kSeverities; ++i) {
    const std::string severity(SeverityName(static_cast<Severity>(i)));
    AddSample(messages, {{"server", server.name}, {"severity", severity}},
              static_cast<double>(server.messages[i]));
    if (server.own[i] == 0) continue;
    AddSample(family("pg_log_own_messages_total",
                     "Messages that pgbeacon's own sessions caused, in none of the other counts."),
              {{"server", server.name}, {"severity", severity}},
              static_cast<double>(server.own[i]));
  }
  const auto add_errors = [&](const char* name, const char* help, const ErrorCounts& errors) {
    for (const auto& [key, count] : errors) {
      AddSample(family(name, help),
                {{"server", server.name},
                 {"severity", std::string(SeverityName(key.first))},
                 {"sqlstate", key.second}},
                static_cast<double>(count));
    }
  };
  add_errors("pg_log_errors_total", "Messages of severity WARNING and worse by SQLSTATE.",
             server.errors);
  add_errors("pg_client_log_errors_total",
             "Errors as clients print them, by SQLSTATE; never part of pg_log_errors_total.",
             server.client_errors);
  const auto add_event = [&](std::string_view name, std::string_view event_class,
                             std::uint64_t count) {
    AddSample(family("pg_log_events_total",
                     "Events of the catalogue; event=\"other\" where no row took the message."),
              {{"server", server.name},
               {"event", std::string(name)},
               {"class", std::string(event_class)}},
              static_cast<double>(count));
  };
  const std::vector<EventRow>& rows = catalogue.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (server.events[i] > 0 || rows[i].born)
      add_event(rows[i].name, rows[i].event_class, server.events[i]);
  }
  if (server.other_events > 0) add_event(kOther, kOther, server.other_events);
  if (server.samples.dropped() > 0) {
    Family& dropped = families["pgbeacon_series_dropped"];
    dropped.name = "pgbeacon_series_dropped";
    dropped.help = "Series left out because there were too many.";
    dropped.type = MetricType::Gauge;
    if (dropped.metric.empty()) AddSample(dropped, {{"collector", "sample"}}, 0);
    dropped.metric[0].gauge.value += static_cast<double>(server.samples.dropped());
  }
}

Families Tally::Collect(double now) const {
  std::map<std::string, Family> families;
  const std::vector<FamilySpec>& specs = state_->catalogue.families();
  for (const ServerTally* server : state_->Sorted()) {
    state_->CollectCore(*server, families);
    server->samples.Collect(state_->catalogue.samples(), server->name, now, families);
    for (std::size_t f = 0; f < specs.size(); ++f) {
      Family& out = families[specs[f].name];
      out.name = specs[f].name;
      out.help = specs[f].help;
      out.type = specs[f].type == FamilySpec::Type::kCounter ? MetricType::Counter
                 : specs[f].type == FamilySpec::Type::kGauge ? MetricType::Gauge
                                                             : MetricType::Histogram;
      server->cells.Collect(static_cast<int>(f), server->name, out);
    }
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
  const std::vector<EventRow>& rows = state_->catalogue.rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::uint64_t count = 0;
    for (const auto& server : state_->servers) count += server->events[i];
    if (count > 0) out.push_back({rows[i].name, rows[i].event_class, count});
  }
  for (const auto& server : state_->servers) other += server->other_events;
  if (other > 0) out.push_back({std::string(kOther), std::string(kOther), other});
  std::ranges::stable_sort(out, std::greater<>(), &EventCount::count);
  return out;
}

}  // namespace pgbeacon::log
