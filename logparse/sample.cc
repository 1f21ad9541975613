#include "logparse/sample.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/text.h"
#include "logparse/sample_value.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMaxName = 100;  // bytes of a source, addon or key
constexpr double kMinInterval = 1;     // values closer together belong to one tick
constexpr double kMaxInterval = 3600;  // beyond it a source is taken for one that was away
constexpr double kMostIntervals = 3;   // that a sample may miss

const SampleSpec* FindSpec(const std::vector<SampleSpec>& specs, std::string_view key) {
  const auto spec = std::ranges::find(specs, key, &SampleSpec::key);
  return spec == specs.end() ? nullptr : &*spec;
}

Family& FamilyOf(std::map<std::string, Family>& families, const std::string& name, MetricType type,
                 const std::string& help) {
  Family& family = families[name];
  if (family.name.empty()) {
    family.name = name;
    family.help = help;
    family.type = type;
  }
  return family;
}

/// Adds a value; false where it is none that can be added up.
bool Add(const SampleValue& value, ExactSum& sum) {
  if (value.value < 0 || sum.value() + value.value > ExactSum::kLargest) return false;
  sum.Add(value.value);
  return true;
}

}  // namespace

const std::vector<double>& SampleStore::Bounds() {
  static const std::vector<double> bounds = {
      0.001, 0.0025, 0.005,   0.01,    0.025,   0.05,      0.1,      0.25, 0.5,
      1,     2.5,    5,       10,      30,      60,        300,      1024, 8192,
      65536, 524288, 1 << 22, 1 << 25, 1 << 28, 1LL << 31, 1LL << 34};
  return bounds;
}

SampleStore::Source* SampleStore::Admit(const Name& name, double now) {
  if (const auto known = sources_.find(name); known != sources_.end()) return &known->second;
  if (sources_.size() >= kMaxSources) {
    for (auto at = sources_.begin(); at != sources_.end();) {
      const auto source = at++;
      const bool lives = std::ranges::any_of(
          source->second.samples, [now](const auto& sample) { return !sample.second.Stale(now); });
      if (!lives) Forget(source);
    }
  }
  return sources_.size() < kMaxSources ? &sources_[name] : nullptr;
}

void SampleStore::Forget(std::map<Name, Source>::iterator source) {
  samples_ -= source->second.samples.size();
  sources_.erase(source);
}

bool SampleStore::Sample::Stale(double now) const {
  return now > 0 && at > 0 && now - at > kMostIntervals * interval;
}

void SampleStore::Take(const std::vector<SampleSpec>& specs, std::string_view line, double now,
                       std::optional<double> written) {
  ++taken_;
  const SampleLine read = ReadSampleLine(line);
  const std::string source_name = ToUtf8(read.source.substr(0, kMaxName));
  Source* source = nullptr;
  if (std::ranges::count(read.fields, SampleKind::kSample, &SampleField::kind) > 0) {
    source = Admit({source_name, ToUtf8(read.addon.substr(0, kMaxName))}, now);
    if (source != nullptr) source->last = std::max(source->last, written.value_or(now));
  }
  for (const SampleField& field : read.fields) {
    Taken taken = Taken::kUnread;
    if (!field.key.empty() && field.key.size() <= kMaxName) {
      const Name name(source_name, ToUtf8(field.key));
      taken = field.kind == SampleKind::kSample  ? TakeSample(source, specs, field, now)
              : field.kind == SampleKind::kCount ? TakeCount(name, field.value)
                                                 : TakeMeasure(name, field.value);
    }
    if (taken == Taken::kUnread) ++unread_;
    if (taken == Taken::kNoRoom) ++dropped_;
  }
}

SampleStore::Taken SampleStore::TakeSample(Source* source, const std::vector<SampleSpec>& specs,
                                           const SampleField& field, double now) {
  const std::optional<SampleValue> read = ReadSampleValue(field.value);
  if (!read) return Taken::kUnread;
  const SampleSpec* spec = FindSpec(specs, field.key);
  const std::optional<double> value = spec == nullptr ? read->value : ToBaseUnit(*read, *spec);
  if (!value) return Taken::kUnread;
  if (source == nullptr) return Taken::kNoRoom;
  const std::string key = ToUtf8(field.key);
  const auto known = source->samples.find(key);
  if (known == source->samples.end()) {
    if (source->samples.size() >= kMaxKeys || samples_ >= kMaxSamples) return Taken::kNoRoom;
    ++samples_;
    source->samples[key] = {*value, now};
    return Taken::kYes;
  }
  Sample& sample = known->second;
  if (now < sample.at) return Taken::kYes;  // an older one that came late
  const double gap = now - sample.at;
  if (sample.at > 0 && gap >= kMinInterval) {
    // At most twice the last one, so that one outage does not keep stale samples for long.
    sample.interval = std::min({gap, 2 * sample.interval, kMaxInterval});
  }
  sample.value = *value;
  sample.at = now;
  return Taken::kYes;
}

SampleStore::Taken SampleStore::TakeCount(const Name& name, std::string_view text) {
  const std::optional<SampleValue> value = ReadSampleValue(text.empty() ? "1" : text);
  const auto known = counts_.find(name);
  ExactSum sum = known == counts_.end() ? ExactSum() : known->second;
  if (!value || !Add(*value, sum)) return Taken::kUnread;
  if (known == counts_.end() && counts_.size() >= kMaxCounts) return Taken::kNoRoom;
  counts_[name] = sum;
  return Taken::kYes;
}

SampleStore::Taken SampleStore::TakeMeasure(const Name& name, std::string_view text) {
  const std::optional<SampleValue> value = ReadSampleValue(text);
  const auto known = measures_.find(name);
  ExactSum sum = known == measures_.end() ? ExactSum() : known->second.sum;
  if (!value || !Add(*value, sum)) return Taken::kUnread;
  if (known == measures_.end() && measures_.size() >= kMaxMeasures) return Taken::kNoRoom;
  Measure& measure = measures_[name];
  measure.sum = sum;
  measure.buckets.resize(Bounds().size() + 1);
  const auto bucket = std::ranges::lower_bound(Bounds(), value->value) - Bounds().begin();
  ++measure.buckets[static_cast<std::size_t>(bucket)];
  return Taken::kYes;
}

void SampleStore::Merge(const SampleStore& other) {
  taken_ += other.taken_;
  dropped_ += other.dropped_;
  unread_ += other.unread_;
  for (const auto& [name, theirs] : other.sources_) {
    Source* ours = Admit(name, theirs.last);
    if (ours == nullptr) {
      dropped_ += theirs.samples.size();
      continue;
    }
    ours->last = std::max(ours->last, theirs.last);
    for (const auto& [key, sample] : theirs.samples) {
      const auto known = ours->samples.find(key);
      if (known != ours->samples.end()) {
        if (sample.at >= known->second.at) known->second = sample;
      } else if (ours->samples.size() >= kMaxKeys || samples_ >= kMaxSamples) {
        ++dropped_;
      } else {
        ++samples_;
        ours->samples.emplace(key, sample);
      }
    }
  }
  for (const auto& [name, sum] : other.counts_) {
    if (counts_.size() >= kMaxCounts && !counts_.contains(name)) {
      ++dropped_;
    } else {
      counts_[name].Add(sum);
    }
  }
  for (const auto& [name, theirs] : other.measures_) {
    if (measures_.size() >= kMaxMeasures && !measures_.contains(name)) {
      ++dropped_;
      continue;
    }
    Measure& ours = measures_[name];
    ours.buckets.resize(theirs.buckets.size());
    std::ranges::transform(ours.buckets, theirs.buckets, ours.buckets.begin(), std::plus());
    ours.sum.Add(theirs.sum);
  }
}

void SampleStore::Collect(const std::vector<SampleSpec>& specs, const std::string& server,
                          double now, std::map<std::string, Family>& families) const {
  for (const auto& [name, source] : sources_) {
    const Labels labels = {{"server", server}, {"source", name.first}, {"addon", name.second}};
    std::map<const SampleSpec*, Sample> documented;  // aliases of one metric: the later wins
    for (const auto& [key, sample] : source.samples) {
      if (sample.Stale(now)) continue;
      const SampleSpec* spec = FindSpec(specs, key);
      if (spec == nullptr) {
        Labels with_key = labels;
        with_key.emplace_back("key", key);
        AddSample(FamilyOf(families, "pg_sample_value", MetricType::Gauge,
                           "Samples whose keys are not documented."),
                  std::move(with_key), sample.value);
        continue;
      }
      const auto first = std::ranges::find(specs, spec->metric, &SampleSpec::metric);
      Sample& latest = documented[&*first];
      if (sample.at >= latest.at) latest = sample;
    }
    for (const auto& [spec, sample] : documented) {
      AddSample(FamilyOf(families, spec->metric, MetricType::Gauge, spec->help), labels,
                sample.value);
    }
    if (source.last == 0) continue;
    AddSample(FamilyOf(families, "pg_sample_last_timestamp_seconds", MetricType::Gauge,
                       "When the last sample# record of the source was written."),
              labels, source.last);
  }
  const auto labels_of = [&server](const Name& name) {
    return Labels{{"server", server}, {"source", name.first}, {"key", name.second}};
  };
  for (const auto& [name, sum] : counts_) {
    AddSample(FamilyOf(families, "pg_sample_count_total", MetricType::Counter,
                       "What count# records add up to, in base units."),
              labels_of(name), sum.value());
  }
  for (const auto& [name, measure] : measures_) {
    AddHistogram(FamilyOf(families, "pg_sample_measure", MetricType::Histogram,
                          "Values of measure# records in base units: seconds, bytes."),
                 labels_of(name), Bounds(), measure.buckets, measure.sum.value());
  }
}

}  // namespace pgbeacon::log
