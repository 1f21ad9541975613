#include "logparse/top.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "logparse/fingerprint.h"
#include "logparse/fingerprint_lexer.h"
#include "logparse/top_plan.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMostShown = StatementTable::kCandidates / 4;
constexpr std::size_t kSeen = 1024;  // texts whose statements are remembered
constexpr double kLead = 1.5;        // by how much a statement must lead to be chosen for another
constexpr std::string_view kCutMark = "...";

std::string KeptText(std::string_view sql) {
  std::string text = NormalizeStatement(sql);
  if (text.size() > StatementTable::kTextBytes) {
    text.resize(StatementTable::kTextBytes - kCutMark.size());
    text += kCutMark;
    text.shrink_to_fit();
  }
  return text;
}

double Share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::uint64_t Bytes(const StatementStats& stats) {
  return stats.temp_file_bytes + stats.plan_bytes + stats.plan_temp_bytes;
}

/// How important a statement is: its share in time, calls or I/O, whichever is largest.
double Weight(const StatementStats& stats, const StatementStats& all) {
  return std::max({Share(stats.seconds.value(), all.seconds.value()),
                   Share(static_cast<double>(stats.calls), static_cast<double>(all.calls)),
                   Share(static_cast<double>(Bytes(stats)), static_cast<double>(Bytes(all)))});
}

}  // namespace

void StatementStats::Add(const StatementStats& other) {
  calls += other.calls;
  seconds.Add(other.seconds);
  max_seconds = std::max(max_seconds, other.max_seconds);
  temp_file_bytes += other.temp_file_bytes;
  plan_bytes += other.plan_bytes;
  plan_temp_bytes += other.plan_temp_bytes;
}

StatementTable::StatementTable(int shown, bool keep_texts)
    : shown_(std::clamp<std::size_t>(static_cast<std::size_t>(std::max(shown, 1)), 1, kMostShown)),
      keep_texts_(keep_texts),
      seen_(kSeen) {}

void StatementTable::Run(std::string_view text, double seconds, bool call) {
  if (!(seconds >= 0 && seconds <= ExactSum::kLargest)) return;
  StatementStats run;
  run.calls = call ? 1 : 0;
  run.seconds.Add(seconds);
  run.max_seconds = seconds;
  all_.Add(run);
  any_changed_ = true;
  Series* series = nullptr;
  if (text.empty()) {
    other_.Add(run);
  } else {
    const std::uint32_t at = EntryOf(text);
    entries_[at].Add(run);
    Consider(at);
    const std::uint32_t own = entries_[at].series;
    if (own != kNone && series_[own].live) series = &series_[own];
  }
  (series == nullptr ? other_statements_ : series->statements) += run.calls;
  (series == nullptr ? other_seconds_ : series->seconds).Add(run.seconds);
}

void StatementTable::AddTempFile(std::string_view text, std::uint64_t bytes) {
  if (text.empty()) return;
  const std::uint32_t at = EntryOf(text);
  entries_[at].temp_file_bytes += bytes;
  all_.temp_file_bytes += bytes;
  temp_files_known_ = true;
}

void StatementTable::AddPlan(std::string_view plan) {
  const LoggedPlan read = ReadPlan(plan);
  if (read.query.empty() || !read.has_buffers) return;
  Entry& entry = entries_[EntryOf(read.query)];
  for (StatementStats* stats : {static_cast<StatementStats*>(&entry), &all_}) {
    stats->plan_bytes += read.bytes;
    stats->plan_temp_bytes += read.temp_bytes;
  }
  plans_known_ = true;
}

std::uint32_t StatementTable::EntryOf(std::string_view text) {
  if (unsettled_) Settle();
  const std::uint64_t hash = HashBytes(text);
  Seen& seen = seen_[hash % kSeen];
  if (seen.entry == kNone || seen.text != hash) {
    const std::uint32_t at = FindOrInsert(text);
    seen = {hash, at};
  }
  MarkChanged(seen.entry);
  return seen.entry;
}

void StatementTable::MarkChanged(std::uint32_t at) {
  any_changed_ = true;
  if (entries_[at].changed) return;
  entries_[at].changed = true;
  changed_.push_back(at);
}

std::uint32_t StatementTable::FindOrInsert(std::string_view text) {
  const std::uint64_t fingerprint = Fingerprint(text);
  if (const auto known = index_.find(fingerprint); known != index_.end()) return known->second;
  if (entries_.size() >= kCandidates) Shrink(kCandidates / 4 * 3);
  const std::uint32_t at = Insert(fingerprint);
  if (keep_texts_) entries_[at].text = KeptText(text);
  return at;
}

std::uint32_t StatementTable::Insert(std::uint64_t fingerprint) {
  const auto at = static_cast<std::uint32_t>(entries_.size());
  index_.emplace(fingerprint, at);
  entries_.emplace_back().fingerprint = fingerprint;
  return at;
}

/// Gives a statement a live series if it is due.
void StatementTable::Consider(std::uint32_t at) {
  const Entry& entry = entries_[at];
  if (entry.series != kNone && series_[entry.series].live) return;
  if (live_ == shown_) {
    const double seconds = entry.seconds.value();
    if (seconds <= weakest_seconds_ * kLead) return;
    FindWeakest();
    if (seconds <= weakest_seconds_ * kLead) return;
    Retire(weakest_);
  }
  MakeLive(at);
  if (live_ == shown_) FindWeakest();
}

/// After entries have moved.
void StatementTable::ListChanged() {
  changed_.clear();
  for (std::uint32_t at = 0; at < entries_.size(); ++at) {
    if (entries_[at].changed) changed_.push_back(at);
  }
}

void StatementTable::Retire(std::uint32_t series) {
  series_[series].live = false;
  series_[series].retired = ++retirements_;
  --live_;
  MarkChanged(series_[series].entry);
}

void StatementTable::MakeLive(std::uint32_t at) {
  if (entries_[at].series == kNone) {
    entries_[at].series = FreeSeries();
    series_[entries_[at].series].entry = at;
  }
  series_[entries_[at].series].live = true;
  ++live_;
}

/// A new series; where there are too many, one that was retired longest ago ends in "other".
std::uint32_t StatementTable::FreeSeries() {
  if (series_.size() < 2 * shown_) {
    series_.emplace_back();
    return static_cast<std::uint32_t>(series_.size() - 1);
  }
  return Fold();
}

/// Ends the series that was retired longest ago: its counts go to "other", its place is free.
std::uint32_t StatementTable::Fold() {
  const auto oldest = std::ranges::min_element(
      series_, {}, [](const Series& s) { return std::pair(s.live, s.retired); });
  other_statements_ += oldest->statements;
  other_seconds_.Add(oldest->seconds);
  entries_[oldest->entry].series = kNone;
  MarkChanged(oldest->entry);
  *oldest = {};
  return static_cast<std::uint32_t>(oldest - series_.begin());
}

void StatementTable::FindWeakest() {
  const auto weakest = std::ranges::min_element(series_, {}, [this](const Series& s) {
    const Entry& entry = entries_[s.entry];
    return std::tuple(!s.live, entry.seconds, entry.fingerprint);
  });
  weakest_ = static_cast<std::uint32_t>(weakest - series_.begin());
  weakest_seconds_ = entries_[weakest->entry].seconds.value();
}

/// Gives up the least important statements without a series until at most `most` are left.
void StatementTable::Shrink(std::size_t most) {
  if (entries_.size() <= most) return;
  std::vector<std::uint32_t> order(entries_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::vector<double> weights;
  for (const Entry& entry : entries_) {
    weights.push_back(entry.series == kNone ? Weight(entry, all_) : 2);  // above every share
  }
  std::ranges::nth_element(
      order, order.begin() + static_cast<std::ptrdiff_t>(most), {},
      [&](std::uint32_t i) { return std::pair(-weights[i], entries_[i].fingerprint); });
  for (auto i = order.begin() + static_cast<std::ptrdiff_t>(most); i != order.end(); ++i) {
    other_.Add(entries_[*i]);
  }
  std::vector<Entry> kept;
  kept.reserve(kCandidates);
  index_.clear();
  for (auto i = order.begin(); i != order.begin() + static_cast<std::ptrdiff_t>(most); ++i) {
    Entry& entry = entries_[*i];
    const auto at = static_cast<std::uint32_t>(kept.size());
    index_.emplace(entry.fingerprint, at);
    if (entry.series != kNone) series_[entry.series].entry = at;
    kept.push_back(std::move(entry));
  }
  entries_ = std::move(kept);
  std::ranges::fill(seen_, Seen());
  any_changed_ = gave_up_ = true;
  ListChanged();
}

void StatementTable::Merge(const StatementTable& other) {
  if (unsettled_) Settle();
  for (const Entry& theirs : other.entries_) {
    const auto known = index_.find(theirs.fingerprint);
    Entry& ours = entries_[known != index_.end() ? known->second : Insert(theirs.fingerprint)];
    ours.Add(theirs);
    if (ours.text.empty()) ours.text = theirs.text;
  }
  other_.Add(other.other_);
  all_.Add(other.all_);
  temp_files_known_ |= other.temp_files_known_;
  plans_known_ |= other.plans_known_;
  ChooseAnew();
}

void StatementTable::ChooseAnew() {
  series_.clear();
  live_ = 0;
  for (std::uint32_t at = 0; at < entries_.size(); ++at) {
    entries_[at].series = kNone;
    MarkChanged(at);
  }
  Shrink(kCandidates);
  std::vector<std::uint32_t> order(entries_.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto chosen = order.begin() + static_cast<std::ptrdiff_t>(std::min(shown_, order.size()));
  std::ranges::partial_sort(order, chosen, {}, [this](std::uint32_t i) {
    const Entry& entry = entries_[i];
    return std::tuple(-entry.seconds.value(), -static_cast<double>(entry.calls), entry.fingerprint);
  });
  other_statements_ = all_.calls;
  other_seconds_ = all_.seconds;
  for (auto i = order.begin(); i != chosen; ++i) {
    MakeLive(*i);
    Series& series = series_[entries_[*i].series];
    series.statements = entries_[*i].calls;
    series.seconds = entries_[*i].seconds;
    other_statements_ -= series.statements;
    other_seconds_.Subtract(series.seconds);
  }
  if (live_ == shown_) FindWeakest();
}

void StatementTable::Collect(const std::string& server,
                             std::map<std::string, Family>& families) const {
  const auto family = [&families](const char* name, const char* help) -> Family& {
    Family& out = families[name];
    out.name = name;
    out.help = help;
    out.type = MetricType::Counter;
    return out;
  };
  Family& statements =
      family("pg_log_fingerprint_statements_total",
             "Executions of logged statements by fingerprint; \"other\" is the remainder.");
  Family& seconds =
      family("pg_log_fingerprint_seconds_total",
             "Durations of logged statements by fingerprint; \"other\" is the remainder.");
  const auto add = [&](const std::string& name, std::uint64_t count, const ExactSum& sum) {
    const Labels labels = {{"server", server}, {"fingerprint", name}};
    AddSample(statements, labels, static_cast<double>(count));
    AddSample(seconds, labels, sum.value());
  };
  std::vector<std::pair<std::string, const Series*>> sorted;
  for (const Series& series : series_) {
    sorted.emplace_back(FingerprintName(entries_[series.entry].fingerprint), &series);
  }
  std::ranges::sort(sorted);
  for (const auto& [name, series] : sorted) add(name, series->statements, series->seconds);
  add("other", other_statements_, other_seconds_);
}

StatementTotals StatementTable::Totals() const {
  StatementTotals totals;
  totals.rows.assign(entries_.begin(), entries_.end());
  totals.other = other_;
  totals.all = all_;
  totals.temp_files_known = temp_files_known_;
  totals.plans_known = plans_known_;
  return totals;
}

}  // namespace pgbeacon::log
