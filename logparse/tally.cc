#include "logparse/tally.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "base/text.h"
#include "logparse/log_time.h"
#include "logparse/sample.h"
#include "logparse/tally_state.h"

namespace pgbeacon::log {
namespace {

constexpr double kMostBytes = 1e18;           // beyond it a size is no measurement
constexpr std::size_t kMostServerName = 256;  // bytes; host names have 255
constexpr std::string_view kLostMessages = "platform_log_lost_messages_total";

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

/// Whether the message's own time is known and tells of the past.
bool IsOld(const Message& message, double now) {
  const std::optional<double> written = ParseLogTime(message.time);
  return written && now - *written > kLongestUnderWay;
}

}  // namespace

bool IsError(Severity severity) {
  return severity == Severity::kWarning || severity == Severity::kError ||
         severity == Severity::kFatal || severity == Severity::kPanic;
}

Tally::State::State(const Catalogue& catalogue, TallyOptions options)
    : catalogue(catalogue), options(std::move(options)), plan(catalogue), live_signs(catalogue) {
  for (const EventRow& row : catalogue.rows()) {
    statement_uses.push_back(UseOf(row, catalogue.families()));
  }
  ListParts();
}

std::unique_ptr<ServerTally> Tally::State::MakeServer(std::string name) const {
  auto server = std::make_unique<ServerTally>(plan, std::move(name), options.datname_limit);
  if (options.fingerprints > 0) {
    server->statements.emplace(options.fingerprints, options.keep_texts);
  }
  return server;
}

/// One place is kept for "other".
bool Tally::State::HasRoom(std::string_view name) const {
  const auto most = static_cast<std::size_t>(std::max(options.most_servers, 1));
  if (name == kOther) return servers.size() < most;
  return servers.size() - (by_name.contains(kOther) ? 1 : 0) < most - 1;
}

int Tally::State::Admit(std::string_view name) {
  if (const auto known = by_name.find(name); known != by_name.end()) return known->second;
  if (name.size() > 3 * kMostServerName || !IsUtf8(name) || !HasRoom(name)) return -1;
  const auto index = static_cast<int>(servers.size());
  servers.push_back(MakeServer(std::string(name)));
  by_name.emplace(name, index);
  return index;
}

Tally::Tally(const Catalogue& catalogue, TallyOptions options)
    : state_(std::make_unique<State>(catalogue, std::move(options))) {}
Tally::~Tally() = default;
Tally::Tally(Tally&&) noexcept = default;
Tally& Tally::operator=(Tally&&) noexcept = default;

int Tally::Server(std::string_view name, bool seen_in_traffic) {
  if (const auto known = state_->by_name.find(name); known != state_->by_name.end()) {
    return known->second;
  }
  const std::size_t before = state_->servers.size();
  int index = state_->Admit(ToUtf8(name.substr(0, kMostServerName)));
  if (index < 0) index = state_->Admit(kOther);
  if (state_->servers.size() > before) {
    ServerTally& server = state_->At(index);
    server.seen_in_traffic = server.unseen = seen_in_traffic;
    state_->Touch(server, index);
  }
  return index;
}

void Tally::State::CountServer(ServerTally& server, const Message& message,
                               const Event& event) const {
  const Severity severity = SeverityOf(message, event);
  LogCounts& counts = server.CountsOf(message, severity);
  if (IsOwn(message)) {
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

/// Databases are not told apart: no alert does.
void Tally::State::CountLive(ServerTally& server, const Message& message, const Event& event,
                             double now) {
  if (IsOwn(message)) return;
  const Severity severity = SeverityOf(message, event);
  if (IsError(severity)) {
    live_signs.Of(severity, SqlstateLabel(message, event), event, signs);
  } else {
    live_signs.Of(Severity::kNone, {}, event, signs);
  }
  if (signs.empty() || IsOld(message, now)) return;
  for (const std::string_view sign : signs) {
    server.none().cells.Add(live_signs.family(), {std::string(sign)}, 1);
  }
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
  if (IsSampleRecord(message)) {
    const std::optional<double> written = ParseLogTime(message.time);
    server.samples.Take(catalogue.samples(), message.text, now > 0 ? now : written.value_or(0),
                        written);
  }
  if (message.side == Side::kPooler && event.row == nullptr) ++server.other_pooler_lines;
  if (event.row == nullptr || event.row->metrics.empty()) return;
  server.none().cells.Count(event, RowOf(event), options.long_statement_seconds);
}

void Tally::Count(int server_index, const Message& message, const Event& event, double now,
                  Written written) {
  ServerTally& server = state_->At(server_index);
  if (!server.touched) state_->Touch(server, server_index);
  if (message.side == Side::kServer) {
    state_->CountServer(server, message, event);
    if (written == Written::kLive) state_->CountLive(server, message, event, now);
  } else if (message.side == Side::kClient) {
    const Severity severity = SeverityOf(message, event);
    if (IsError(severity)) {
      server.client_errors.Count(severity, state_->SqlstateLabel(message, event));
    }
  } else {
    state_->CountOther(server, message, event, now);
  }
}

void Tally::CountLost(int server_index, LostReason reason, std::uint64_t messages) {
  if (messages == 0) return;
  const auto family =
      std::ranges::find(state_->catalogue.families(), kLostMessages, &FamilySpec::name);
  if (family == state_->catalogue.families().end()) return;
  ServerTally& server = state_->At(server_index);
  if (!server.touched) state_->Touch(server, server_index);
  constexpr const char* kReasons[] = {"count_mismatch"};
  server.none().cells.Add(static_cast<int>(family - state_->catalogue.families().begin()),
                          {kReasons[static_cast<std::size_t>(reason)]},
                          static_cast<double>(messages));
}

void Tally::Merge(const Tally& other) {
  for (const auto& theirs : other.state_->servers) {
    const int index = Server(theirs->name());
    ServerTally& ours = state_->At(index);
    if (!ours.touched) state_->Touch(ours, index);
    ours.Merge(*theirs);
  }
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
