#include "logparse/tally_server.h"

#include <algorithm>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMaxName = 100;  // bytes of a database's name; identifiers have 63
constexpr const char* kOther = "other";

}  // namespace

void ErrorCounts::Count(Severity severity, std::string_view sqlstate) {
  const auto known = counts_.find(std::pair(severity, sqlstate));
  if (known != counts_.end()) {
    ++known->second;
  } else {
    counts_.emplace(Key(severity, sqlstate), 1);
  }
}

void ErrorCounts::Merge(const ErrorCounts& other) {
  for (const auto& [key, count] : other.counts_) counts_[key] += count;
}

void ErrorCounts::Collect(const Labels& labels, Family& out) const {
  for (const auto& [key, count] : counts_) {
    Labels all = labels;
    all.emplace_back("severity", SeverityName(key.first));
    all.emplace_back("sqlstate", key.second);
    AddSample(out, std::move(all), static_cast<double>(count));
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

std::vector<std::pair<std::optional<std::string>, const LogCounts*>> ServerTally::All() const {
  if (databases_ == 0) return {{std::nullopt, none_.get()}};
  std::vector<std::pair<std::optional<std::string>, const LogCounts*>> all;
  all.emplace_back("", none_.get());
  for (const auto& [name, counts] : named_) all.emplace_back(name, counts.get());
  if (other_) all.emplace_back(kOther, other_.get());
  return all;
}

}  // namespace pgbeacon::log
