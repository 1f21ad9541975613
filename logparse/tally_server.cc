#include "logparse/tally_server.h"

#include <algorithm>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMaxName = 100;             // bytes of a database's name; identifiers have 63
constexpr std::size_t kMostBytes = 3 * kMaxName;  // ill-formed bytes become three
constexpr const char* kOther = "other";

}  // namespace

ErrorCounts::Counts::value_type& ErrorCounts::Find(Severity severity, std::string_view sqlstate) {
  const auto known = counts_.find(std::pair(severity, sqlstate));
  if (known != counts_.end()) return *known;
  return *counts_.emplace(Key(severity, sqlstate), Counted()).first;
}

void ErrorCounts::Add(Counts::value_type& error, std::uint64_t count) {
  error.second.count += count;
  if (error.second.changed) return;
  error.second.changed = true;
  changed_.push_back(&error);
}

void ErrorCounts::Count(Severity severity, std::string_view sqlstate) {
  Add(Find(severity, sqlstate), 1);
}

void ErrorCounts::Merge(const ErrorCounts& other) {
  for (const auto& [key, theirs] : other.counts_) Add(Find(key.first, key.second), theirs.count);
}

void ErrorCounts::Changes(std::string_view family, RowWriter& rows) {
  for (Counts::value_type* error : changed_) {
    error->second.changed = false;
    KeyText key = rows.Key(family);
    key.Label("severity", SeverityName(error->first.first)).Label("sqlstate", error->first.second);
    rows.AddCount(key, error->second.count);
  }
  changed_.clear();
}

void ErrorCounts::Restore(Severity severity, std::string_view sqlstate, std::uint64_t count) {
  Find(severity, sqlstate).second.count = count;
}

void ErrorCounts::Collect(const Labels& labels, Family& out) const {
  for (const auto& [key, counted] : counts_) {
    Labels all = labels;
    all.emplace_back("severity", SeverityName(key.first));
    all.emplace_back("sqlstate", key.second);
    AddSample(out, std::move(all), static_cast<double>(counted.count));
  }
}

LogCounts::LogCounts(const CellPlan& plan, bool born)
    : born(born), events(plan.catalogue().rows().size()), cells(plan, born) {
  if (!born) return;
  for (const auto& error : plan.catalogue().born_errors()) errors.Born(error);
}

void LogCounts::Merge(const LogCounts& other) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    messages[i] += other.messages[i];
    own[i] += other.own[i];
  }
  for (std::size_t i = 0; i < events.size(); ++i) events[i] += other.events[i];
  other_events += other.other_events;
  errors.Merge(other.errors);
  cells.Merge(other.cells);
}

void LogCounts::Changes(const LogCounts* since, const Catalogue& catalogue, RowWriter& rows) {
  const auto add = [&rows](std::string_view family, std::string_view label, std::string_view value,
                           std::uint64_t now, std::uint64_t before) {
    if (now == before) return;
    KeyText key = rows.Key(family);
    key.Label(label, value);
    rows.AddCount(key, now);
  };
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string_view severity = SeverityName(static_cast<Severity>(i));
    add(kMessagesFamily, "severity", severity, messages[i], since ? since->messages[i] : 0);
    add(kOwnMessagesFamily, "severity", severity, own[i], since ? since->own[i] : 0);
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    add(kEventsFamily, "event", catalogue.rows()[i].name, events[i], since ? since->events[i] : 0);
  }
  add(kEventsFamily, "event", kOther, other_events, since ? since->other_events : 0);
  errors.Changes(kErrorsFamily, rows);
  cells.Changes(rows);
}

ServerTally::ServerTally(const CellPlan& plan, std::string name, int databases)
    : plan_(plan),
      name_(std::move(name)),
      databases_(static_cast<std::size_t>(std::max(databases, 0))),
      none_(std::make_unique<LogCounts>(plan, true)) {}

/// The counts of a name as the label shows it; null if it has none and does not get any.
LogCounts* ServerTally::Named(std::string_view name, bool admit) {
  if (const auto known = named_.find(name); known != named_.end()) return known->second.get();
  if (!admit || named_.size() >= databases_ || name == kOther) return nullptr;
  order_.emplace_back(name);
  return named_.emplace(name, std::make_unique<LogCounts>(plan_, false)).first->second.get();
}

LogCounts& ServerTally::Other() {
  if (!other_) other_ = std::make_unique<LogCounts>(plan_, false);
  return *other_;
}

/// A FATAL message makes no database known: whoever may connect can ask for any name.
LogCounts& ServerTally::FindCounts(std::string_view database, Severity severity) {
  const bool admit = severity != Severity::kFatal;
  const std::string_view cut = database.substr(0, kMaxName);
  LogCounts* counts = IsUtf8(cut) ? Named(cut, admit) : Named(ToUtf8(cut), admit);
  if (counts == nullptr) counts = &Other();
  if (admit || counts != other_.get()) {
    last_name_ = database.substr(0, kMaxName + 1);
    last_ = counts;
  }
  return *counts;
}

void ServerTally::Merge(const ServerTally& other) {
  none_->Merge(*other.none_);
  for (const std::string& name : other.order_) {
    LogCounts* const ours = Named(name, true);
    (ours == nullptr ? Other() : *ours).Merge(*other.named_.find(name)->second);
  }
  if (other.other_) Other().Merge(*other.other_);
  client_errors.Merge(other.client_errors);
  other_pooler_lines += other.other_pooler_lines;
  samples.Merge(other.samples);
  if (statements && other.statements) statements->Merge(*other.statements);
}

std::string ServerTally::DatabaseNames() const {
  std::string names;
  for (const std::string& name : order_) {
    if (!names.empty()) names += ',';
    AppendQuoted(names, name);
  }
  return names;
}

void ServerTally::Changes(const ServerTally* since, std::vector<TallyRow>& rows) {
  RowWriter writer{name_, rows};
  const auto add = [&](std::string_view key, std::string value) {
    KeyText text(key);
    writer.Add(text, std::move(value));
  };
  if (since == nullptr)
    add(kServerRow, std::string(seen_in_traffic ? kFromTraffic : kFromConfiguration));
  if (!order_.empty() && (since == nullptr || since->order_ != order_)) {
    add(kDatabasesRow, DatabaseNames());
  }
  none_->Changes(since ? since->none_.get() : nullptr, plan_.catalogue(), writer);
  for (const auto& [name, counts] : named_) {
    const LogCounts* before = nullptr;
    if (since != nullptr) {
      const auto known = since->named_.find(name);
      if (known != since->named_.end()) before = known->second.get();
    }
    writer.database = &name;
    counts->Changes(before, plan_.catalogue(), writer);
  }
  if (other_) {
    const std::string name = kOther;
    writer.database = &name;
    other_->Changes(since ? since->other_.get() : nullptr, plan_.catalogue(), writer);
  }
  writer.database = nullptr;
  client_errors.Changes(kClientErrorsFamily, writer);
  if (other_pooler_lines != (since ? since->other_pooler_lines : 0)) {
    KeyText key(kOtherPoolerRow);
    writer.AddCount(key, other_pooler_lines);
  }
  if (statements) {
    statements->Changes(since && since->statements ? &*since->statements : nullptr, writer);
  }
  const SampleStore no_samples;
  samples.Changes(since ? since->samples : no_samples,
                  [&](std::string_view key, std::string_view value) {
                    rows.push_back({name_, std::string(kSamplePrefix).append(key), std::nullopt});
                    if (!value.empty()) rows.back().value = value;
                  });
}

LogCounts* ServerTally::CountsToRestore(const std::string* database) {
  if (database == nullptr) return none_.get();
  if (databases_ == 0 || database->empty() || database->size() > kMostBytes) return nullptr;
  if (*database == kOther) return &Other();
  if (!IsUtf8(*database)) return nullptr;
  last_name_.clear();
  return Named(*database, true);
}

bool ServerTally::RestoreDatabases(std::string_view names) {
  std::vector<std::string> order;
  while (true) {
    if (!TakeQuoted(names, order.emplace_back())) return false;
    if (names.empty()) break;
    if (!names.starts_with(',')) return false;
    names.remove_prefix(1);
  }
  if (databases_ == 0) return false;
  for (const std::string& name : order) CountsToRestore(&name);
  // Those that the row knows first, as it has them.
  std::ranges::stable_sort(order_, {}, [&order](const std::string& name) {
    return std::ranges::find(order, name) - order.begin();
  });
  return true;
}

std::vector<std::pair<std::optional<std::string>, const LogCounts*>> ServerTally::All() const {
  if (databases_ == 0) return {{std::nullopt, none_.get()}};
  std::vector<std::pair<std::optional<std::string>, const LogCounts*>> all;
  all.emplace_back("", none_.get());
  for (const auto& [name, counts] : named_) all.emplace_back(name, counts.get());
  if (other_) all.emplace_back(kOther, other_.get());
  return all;
}

}  // namespace pgbeacon::log
