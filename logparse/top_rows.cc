// The rows of a StatementTable: what each statement took and how its series stands.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "logparse/fingerprint.h"
#include "logparse/top.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kAll = "all";      // the name of the row of all statements
constexpr std::string_view kOther = "other";  // of those that have none of their own

// What rows tell as numbers.
constexpr std::pair<std::string_view, std::uint64_t StatementStats::*> kNumbers[] = {
    {"calls", &StatementStats::calls},
    {"temp_file_bytes", &StatementStats::temp_file_bytes},
    {"plan_bytes", &StatementStats::plan_bytes},
    {"plan_temp_bytes", &StatementStats::plan_temp_bytes},
};

/// The value of a row: fields of numbers; the first ones of what the statement took, the rest of
/// its series.
struct StatementText {
  StatementStats stats;
  std::optional<std::uint64_t> shown_calls;
  std::optional<ExactSum> shown_seconds;
  std::uint64_t retired = 0;  ///< 0: the series is live
  bool temp_files = false, plans = false;

  bool Parse(std::string_view text);
  std::string Text() const;

 private:
  bool Take(std::string_view name, std::string_view value);
};

std::string StatementText::Text() const {
  std::string out = "seconds=";
  const auto name = [&out](std::string_view name) { (out += ' ').append(name) += '='; };
  stats.seconds.AppendTo(out);
  for (const auto& [field, member] : kNumbers) {
    if (stats.*member == 0) continue;
    name(field);
    AppendCount(out, stats.*member);
  }
  if (stats.max_seconds > 0) {
    name("max_seconds");
    AppendDouble(out, stats.max_seconds);
  }
  if (shown_calls && shown_seconds) {
    name("shown_calls");
    AppendCount(out, *shown_calls);
    name("shown_seconds");
    shown_seconds->AppendTo(out);
  }
  if (retired > 0) {
    name("retired");
    AppendCount(out, retired);
  }
  if (temp_files) out += " temp_files=1";
  if (plans) out += " plans=1";
  return out;
}

bool StatementText::Take(std::string_view name, std::string_view value) {
  if (name == "max_seconds") {
    const std::optional<double> seconds = ParseDouble(value);
    if (!seconds || !(*seconds >= 0 && *seconds <= ExactSum::kLargest)) return false;
    stats.max_seconds = *seconds;
    return true;
  }
  if (name == "seconds" || name == "shown_seconds") {
    const std::optional<ExactSum> seconds = ExactSum::Parse(value);
    if (!seconds) return false;
    if (name == "seconds") {
      stats.seconds = *seconds;
    } else {
      shown_seconds = seconds;
    }
    return true;
  }
  const std::optional<std::uint64_t> number = ParseCount(value);
  if (!number) return false;
  const auto known = std::ranges::find(kNumbers, name, [](const auto& n) { return n.first; });
  if (known != std::end(kNumbers)) {
    stats.*known->second = *number;
  } else if (name == "shown_calls") {
    shown_calls = number;
  } else if (name == "retired") {
    retired = *number;
  } else if (name == "temp_files") {
    temp_files = *number > 0;
  } else if (name == "plans") {
    plans = *number > 0;
  } else {
    return false;
  }
  return true;
}

bool StatementText::Parse(std::string_view text) {
  std::string_view name;
  std::string_view value;
  if (text.empty()) return false;
  while (TakeField(text, name, value)) {
    if (!Take(name, value)) return false;
  }
  return text.empty() && shown_calls.has_value() == shown_seconds.has_value();
}

std::optional<std::uint64_t> ParseFingerprint(std::string_view name) {
  std::uint64_t fingerprint = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), fingerprint, 16);
  if (error != std::errc() || name != FingerprintName(fingerprint)) return std::nullopt;
  return fingerprint;
}

}  // namespace

void StatementTable::Changes(const StatementTable* since, RowWriter& rows) {
  if (!any_changed_) return;
  if (unsettled_) Settle();
  const auto key = [&rows](std::string_view name) {
    KeyText text = rows.Key(kStatementRow);
    text.Label("fingerprint", name);
    return text;
  };
  const auto add = [&](std::string_view name, const StatementText& text) {
    KeyText row = key(name);
    rows.Add(row, text.Text());
  };
  if (gave_up_ && since != nullptr) {  // first, as they make room
    for (const Entry& entry : since->entries_) {
      if (index_.contains(entry.fingerprint)) continue;
      KeyText gone = key(FingerprintName(entry.fingerprint));
      rows.Add(gone, std::nullopt);
    }
  }
  for (const std::uint32_t at : changed_) {
    Entry& entry = entries_[at];
    entry.changed = false;
    StatementText text{entry, {}, {}, 0, false, false};
    if (entry.series != kNone) {
      const Series& series = series_[entry.series];
      text.shown_calls = series.statements;
      text.shown_seconds = series.seconds;
      if (!series.live) text.retired = series.retired;
    }
    add(FingerprintName(entry.fingerprint), text);
  }
  add(kAll, {all_, {}, {}, 0, temp_files_known_, plans_known_});
  add(kOther, {other_, other_statements_, other_seconds_, 0, false, false});
  changed_.clear();
  any_changed_ = gave_up_ = false;
}

bool StatementTable::Restore(std::string_view name, const std::optional<std::string>& value) {
  const std::optional<std::uint64_t> fingerprint = ParseFingerprint(name);
  if (!value) {
    if (!fingerprint) return false;
    Remove(*fingerprint);
    return true;
  }
  StatementText text;
  if (!text.Parse(*value)) return false;
  if (name == kAll) {
    all_ = text.stats;
    temp_files_known_ = text.temp_files;
    plans_known_ = text.plans;
    return true;
  }
  if (name == kOther) {
    if (!text.shown_calls) return false;
    other_ = text.stats;
    other_statements_ = *text.shown_calls;
    other_seconds_ = *text.shown_seconds;
    return true;
  }
  if (!fingerprint) return false;
  if (!text.shown_calls) return Set(*fingerprint, text.stats, nullptr);
  Series series;
  series.live = text.retired == 0;
  series.statements = *text.shown_calls;
  series.seconds = *text.shown_seconds;
  series.retired = text.retired;
  return Set(*fingerprint, text.stats, &series);
}

bool StatementTable::Set(std::uint64_t fingerprint, const StatementStats& stats,
                         const Series* series) {
  const auto known = index_.find(fingerprint);
  if (known == index_.end() && entries_.size() >= kCandidates) return false;
  unsettled_ = true;
  const std::uint32_t at = known != index_.end() ? known->second : Insert(fingerprint);
  static_cast<StatementStats&>(entries_[at]) = stats;
  if (entries_[at].series != kNone) {
    live_ -= series_[entries_[at].series].live ? 1 : 0;
    if (series == nullptr) RemoveSeries(entries_[at].series);
  } else if (series != nullptr) {
    entries_[at].series = static_cast<std::uint32_t>(series_.size());
    series_.emplace_back();
  }
  if (series == nullptr) return true;
  Series& ours = series_[entries_[at].series];
  ours = *series;
  ours.entry = at;
  live_ += ours.live ? 1 : 0;
  retirements_ = std::max(retirements_, ours.retired);
  return true;
}

void StatementTable::Remove(std::uint64_t fingerprint) {
  const auto known = index_.find(fingerprint);
  if (known == index_.end()) return;
  unsettled_ = true;
  const std::uint32_t at = known->second;
  index_.erase(known);
  if (entries_[at].series != kNone) {
    live_ -= series_[entries_[at].series].live ? 1 : 0;
    RemoveSeries(entries_[at].series);
  }
  const auto last = static_cast<std::uint32_t>(entries_.size() - 1);
  if (at != last) {
    entries_[at] = std::move(entries_[last]);
    index_[entries_[at].fingerprint] = at;
    if (entries_[at].series != kNone) series_[entries_[at].series].entry = at;
  }
  entries_.pop_back();
  if (!changed_.empty()) ListChanged();
}

/// Takes a series that counts no more as live off the list.
void StatementTable::RemoveSeries(std::uint32_t at) {
  entries_[series_[at].entry].series = kNone;
  const auto last = static_cast<std::uint32_t>(series_.size() - 1);
  if (at != last) {
    series_[at] = series_[last];
    entries_[series_[at].entry].series = at;
  }
  series_.pop_back();
}

/// Makes what rows gave fit for counting: as many series as this table shows.
void StatementTable::Settle() {
  unsettled_ = false;
  std::ranges::fill(seen_, Seen());
  while (live_ > shown_) {
    FindWeakest();
    Retire(weakest_);
  }
  while (series_.size() > 2 * shown_) {
    const std::uint32_t folded = Fold();
    series_[folded] = series_.back();
    series_.pop_back();
    if (folded < series_.size()) entries_[series_[folded].entry].series = folded;
  }
  if (live_ == shown_) FindWeakest();
}

}  // namespace pgbeacon::log
