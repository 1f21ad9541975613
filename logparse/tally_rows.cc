// The rows of a Tally: what changed, and back.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "logparse/tally_state.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kDatname = "datname";

std::optional<Severity> SeverityNamed(const std::string* name) {
  if (name == nullptr) return std::nullopt;
  const Severity severity = ParseSeverity(*name);
  if (severity == Severity::kNone || SeverityName(severity) != *name) return std::nullopt;
  return severity;
}

}  // namespace

void Tally::State::ListParts() {
  using Kind = RowPart::Kind;
  parts = {{std::string(kServerRow), {Kind::kServer}},
           {std::string(kDatabasesRow), {Kind::kDatabases}},
           {std::string(kMessagesFamily), {Kind::kMessages}},
           {std::string(kOwnMessagesFamily), {Kind::kOwnMessages}},
           {std::string(kErrorsFamily), {Kind::kErrors}},
           {std::string(kClientErrorsFamily), {Kind::kClientErrors}},
           {std::string(kEventsFamily), {Kind::kEvents}},
           {std::string(kOtherPoolerRow), {Kind::kOtherPoolerLines}},
           {std::string(kStatementRow), {Kind::kStatement}}};
  for (std::size_t f = 0; f < catalogue.families().size(); ++f) {
    parts.emplace(catalogue.families()[f].name, RowPart{Kind::kFamily, f});
  }
  for (std::size_t i = 0; i < catalogue.rows().size(); ++i) {
    events.emplace(catalogue.rows()[i].name, i);
  }
}

void Tally::Changes(const Tally& since, std::vector<TallyRow>& rows) {
  for (const int index : state_->touched) {
    ServerTally& server = state_->At(index);
    server.touched = false;
    const auto known = since.state_->by_name.find(server.name());
    const bool knows = known != since.state_->by_name.end();
    server.Changes(knows ? &since.state_->At(known->second) : nullptr, rows);
  }
  state_->touched.clear();
}

/// The counts that the row at hand belongs to, whose key has that many labels besides `datname`;
/// null: there are none.
LogCounts* Tally::State::CountsToRestore(ServerTally& server, std::size_t own_labels) const {
  if (key.size() == own_labels) return server.CountsToRestore(nullptr);
  const std::string* const database = key.First(kDatname);
  if (database == nullptr || key.size() != own_labels + 1) return nullptr;
  return server.CountsToRestore(database);
}

bool Tally::State::RestorePart(const RowPart& part, ServerTally& server,
                               const std::optional<std::string>& value) {
  using Kind = RowPart::Kind;
  if (part.kind == Kind::kStatement) {
    const std::string* const name = key.First("fingerprint");
    if (name == nullptr || key.size() != 1 || !server.statements) return false;
    return server.statements->Restore(*name, value);
  }
  if (!value) return false;
  switch (part.kind) {
    case Kind::kFamily:
      return RestoreSeries(part.family, server, *value);
    case Kind::kServer:
      if (key.size() > 0 || (*value != kFromTraffic && *value != kFromConfiguration)) return false;
      server.seen_in_traffic = *value == kFromTraffic;
      return true;
    case Kind::kDatabases:
      return key.size() == 0 && server.RestoreDatabases(*value);
    default:
      const std::optional<std::uint64_t> count = ParseCount(*value);
      return count && RestoreCount(part.kind, server, *count);
  }
}

bool Tally::State::RestoreCount(RowPart::Kind kind, ServerTally& server, std::uint64_t count) {
  using Kind = RowPart::Kind;
  if (kind == Kind::kOtherPoolerLines) {
    if (key.size() > 0) return false;
    server.other_pooler_lines = count;
    return true;
  }
  if (kind == Kind::kEvents) {
    const std::string* const name = key.Find("event");
    const auto event = name == nullptr ? events.end() : events.find(*name);
    if (name == nullptr || (event == events.end() && *name != kOther)) return false;
    LogCounts* const counts = CountsToRestore(server, 1);
    if (counts == nullptr) return false;
    (event == events.end() ? counts->other_events : counts->events[event->second]) = count;
    return true;
  }
  const std::optional<Severity> severity = SeverityNamed(key.Find("severity"));
  if (!severity) return false;
  if (kind == Kind::kMessages || kind == Kind::kOwnMessages) {
    LogCounts* const counts = CountsToRestore(server, 1);
    if (counts == nullptr) return false;
    (kind == Kind::kMessages ? counts->messages
                             : counts->own)[static_cast<std::size_t>(*severity)] = count;
    return true;
  }
  const std::string* const code = key.Find("sqlstate");
  if (!IsError(*severity) || code == nullptr) return false;
  if (*code != kOther && *code != kUnknown && !catalogue.KnownSqlstate(*code)) return false;
  if (kind == Kind::kClientErrors) {
    if (key.size() != 2) return false;
    server.client_errors.Restore(*severity, *code, count);
    return true;
  }
  LogCounts* const counts = CountsToRestore(server, 2);
  if (counts != nullptr) counts->errors.Restore(*severity, *code, count);
  return counts != nullptr;
}

bool Tally::State::RestoreSeries(std::size_t index, ServerTally& server, std::string_view value) {
  const FamilySpec& family = catalogue.families()[index];
  if (key.size() < family.labels.size()) return false;
  const std::size_t first = key.size() - family.labels.size();
  if (first > 0 && !plan.by_database(index)) return false;
  labels.clear();
  for (const std::string& label : family.labels) {
    const std::string* const found = key.Find(label, first);
    if (found == nullptr) return false;
    labels.push_back(*found);
  }
  std::optional<Cell> cell = ServerCells::ReadCell(family, value);
  if (!cell) return false;
  LogCounts* const counts = CountsToRestore(server, family.labels.size());
  return counts != nullptr &&
         counts->cells.Restore(static_cast<int>(index), labels, *std::move(cell));
}

bool Tally::State::RestoreRow(ServerTally& server, const TallyRow& row) {
  const std::string_view text = row.key;
  if (text.starts_with(kSamplePrefix)) {
    return IsUtf8(text) &&
           server.samples.Restore(text.substr(kSamplePrefix.size()), row.value.value_or(""));
  }
  if (!key.Parse(text)) return false;
  const auto part = parts.find(key.name());
  return part != parts.end() && RestorePart(part->second, server, row.value);
}

bool Tally::Restore(const TallyRow& row) {
  std::vector<std::unique_ptr<ServerTally>>& servers = state_->servers;
  const std::size_t before = servers.size();
  const int index = state_->Admit(row.server);
  if (index < 0) return false;
  ServerTally& server = state_->At(index);
  const bool done = state_->RestoreRow(server, row);
  if (servers.size() == before) return done;
  if (done) {
    server.unseen = server.seen_in_traffic;
  } else {
    state_->by_name.erase(row.server);
    servers.pop_back();
  }
  return done;
}

}  // namespace pgbeacon::log
