// What survives of a SampleStore: rows whose keys name what they tell of and whose values are
// numbers parted by blanks.
//   sample{source=,addon=,key=}  value, when it came, interval
//   source{source=,addon=}       when its last record came
//   count{source=,key=}          sum
//   measure{source=,key=}        sum, then the count of each bucket
//   totals                       lines taken, values dropped, values unread
#include <cmath>
#include <initializer_list>
#include <optional>

#include "base/text.h"
#include "logparse/sample.h"
#include "logparse/tally_row.h"

namespace pgbeacon::log {
namespace {

std::string SourceKey(std::string_view kind, const std::pair<std::string, std::string>& name) {
  return KeyText(kind).Label("source", name.first).Label("addon", name.second).Take();
}

std::string SampleKey(const std::pair<std::string, std::string>& name, std::string_view key) {
  return KeyText("sample")
      .Label("source", name.first)
      .Label("addon", name.second)
      .Label("key", key)
      .Take();
}

std::string CountKey(std::string_view kind, const std::pair<std::string, std::string>& name) {
  return KeyText(kind).Label("source", name.first).Label("key", name.second).Take();
}

std::string NumbersText(std::initializer_list<double> numbers) {
  std::string text;
  for (const double number : numbers) {
    if (!text.empty()) text += ' ';
    AppendDouble(text, number);
  }
  return text;
}

/// The numbers of a text; nothing unless they are so many and finite.
std::optional<std::vector<double>> ReadNumbers(std::string_view text, std::size_t count) {
  std::vector<double> numbers;
  for (const std::string& word : Split(text, ' ')) {
    const std::optional<double> number = ParseDouble(word);
    if (!number || !std::isfinite(*number)) return std::nullopt;
    numbers.push_back(*number);
  }
  if (numbers.size() != count) return std::nullopt;
  return numbers;
}

/// A sum of what is never negative.
std::optional<ExactSum> ReadSum(std::string_view text) {
  const std::optional<ExactSum> sum = ExactSum::Parse(text);
  return sum && *sum >= ExactSum() ? sum : std::nullopt;
}

}  // namespace

void SampleStore::Changes(
    const SampleStore& since,
    const std::function<void(std::string_view key, std::string_view value)>& row) const {
  if (taken_ == since.taken_) return;
  for (const auto& [name, before] : since.sources_) {
    if (sources_.contains(name)) continue;
    for (const auto& [key, sample] : before.samples) row(SampleKey(name, key), {});
    row(SourceKey("source", name), {});
  }
  for (const auto& [name, source] : sources_) {
    const auto known = since.sources_.find(name);
    const Source* before = known == since.sources_.end() ? nullptr : &known->second;
    if (before == nullptr || before->last != source.last) {
      row(SourceKey("source", name), NumbersText({source.last}));
    }
    for (const auto& [key, sample] : source.samples) {
      if (before != nullptr) {
        const auto same = before->samples.find(key);
        if (same != before->samples.end() && same->second == sample) continue;
      }
      row(SampleKey(name, key), NumbersText({sample.value, sample.at, sample.interval}));
    }
  }
  for (const auto& [name, sum] : counts_) {
    const auto before = since.counts_.find(name);
    if (before != since.counts_.end() && before->second == sum) continue;
    std::string value;
    sum.AppendTo(value);
    row(CountKey("count", name), value);
  }
  for (const auto& [name, measure] : measures_) {
    const auto before = since.measures_.find(name);
    if (before != since.measures_.end() && before->second == measure) continue;
    std::string value;
    measure.sum.AppendTo(value);
    for (const std::uint64_t count : measure.buckets) {
      value += ' ';
      AppendCount(value, count);
    }
    row(CountKey("measure", name), value);
  }
  std::string totals;
  for (const std::uint64_t total : {taken_, dropped_, unread_}) {
    if (!totals.empty()) totals += ' ';
    AppendCount(totals, total);
  }
  row("totals", totals);
}

bool SampleStore::Restore(std::string_view key, std::string_view value) {
  RowKey read;
  if (!read.Parse(key)) return false;
  if (read.name() == "totals") return read.size() == 0 && RestoreTotals(value);
  const std::string* const source = read.Find("source");
  const std::string* const addon = read.Find("addon");
  const std::string* const name = read.Find("key");
  if (source == nullptr) return false;
  if (addon != nullptr && name == nullptr && read.size() == 2) {
    return read.name() == "source" && RestoreSource({*source, *addon}, value);
  }
  if (name == nullptr || name->empty()) return false;
  if (addon != nullptr && read.size() == 3) {
    return read.name() == "sample" && RestoreSample({*source, *addon}, *name, value);
  }
  if (read.size() != 2) return false;
  if (read.name() == "count") return RestoreCount({*source, *name}, value);
  return read.name() == "measure" && RestoreMeasure({*source, *name}, value);
}

bool SampleStore::RestoreTotals(std::string_view value) {
  std::vector<std::uint64_t> totals;
  for (const std::string& word : Split(value, ' ')) {
    const std::optional<std::uint64_t> total = ParseCount(word);
    if (!total) return false;
    totals.push_back(*total);
  }
  if (totals.size() != 3) return false;
  taken_ = totals[0];
  dropped_ = totals[1];
  unread_ = totals[2];
  return true;
}

bool SampleStore::RestoreSource(const Name& name, std::string_view value) {
  const auto known = sources_.find(name);
  if (value.empty()) {
    if (known != sources_.end()) Forget(known);
    return true;
  }
  const std::optional<std::vector<double>> numbers = ReadNumbers(value, 1);
  const bool room = known != sources_.end() || sources_.size() < kMaxSources;
  if (!numbers || numbers->front() < 0 || !room) return false;
  sources_[name].last = numbers->front();
  return true;
}

bool SampleStore::RestoreSample(const Name& name, const std::string& key, std::string_view value) {
  const auto known = sources_.find(name);
  if (value.empty()) {
    if (known != sources_.end()) samples_ -= known->second.samples.erase(key);
    return true;
  }
  const std::optional<std::vector<double>> numbers = ReadNumbers(value, 3);
  if (!numbers) return false;
  const Sample sample = {(*numbers)[0], (*numbers)[1], (*numbers)[2]};
  if (sample.at < 0 || sample.interval <= 0) return false;
  if (known == sources_.end() && sources_.size() >= kMaxSources) return false;
  if (known == sources_.end() || !known->second.samples.contains(key)) {
    const std::size_t keys = known == sources_.end() ? 0 : known->second.samples.size();
    if (keys >= kMaxKeys || samples_ >= kMaxSamples) return false;
    ++samples_;
  }
  sources_[name].samples[key] = sample;
  return true;
}

bool SampleStore::RestoreCount(const Name& name, std::string_view value) {
  const std::optional<ExactSum> sum = ReadSum(value);
  if (!sum || (counts_.size() >= kMaxCounts && !counts_.contains(name))) return false;
  counts_[name] = *sum;
  return true;
}

bool SampleStore::RestoreMeasure(const Name& name, std::string_view value) {
  const std::vector<std::string> words = Split(value, ' ');
  if (words.size() != 1 + Bounds().size() + 1) return false;
  if (measures_.size() >= kMaxMeasures && !measures_.contains(name)) return false;
  const std::optional<ExactSum> sum = ReadSum(words.front());
  if (!sum) return false;
  Measure measure;
  measure.sum = *sum;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::optional<std::uint64_t> count = ParseCount(words[i]);
    if (!count) return false;
    measure.buckets.push_back(*count);
  }
  measures_[name] = std::move(measure);
  return true;
}

}  // namespace pgbeacon::log
