// Rows -> families. Rows are walked once; the labels of a row are made once per label set, and a
// row whose labels were seen before merges into the first one or is dropped.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "collectors/engine/histogram_text.h"
#include "collectors/engine/plan.h"

namespace pgbeacon::collectors {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// Series that carry the same labels, and where each of their rows was seen first.
struct LabelSet {
  std::vector<std::size_t> labels;  // columns of the answer; kNone: the target's name
  std::unordered_map<std::string, std::size_t> first;  // label values -> number of the label row
  std::vector<ClientMetric::Label> made;               // of the row at hand, for all its series
};

/// One family to be filled from one column of the answer.
struct Output {
  std::size_t column = 0;
  std::size_t label_set = 0;
  double scale = 1;
  const std::vector<double>* buckets = nullptr;  ///< of a histogram; none: the query made it
  Family family;
  std::vector<std::size_t> sample;  ///< by label row: its index in the family, or kNone
};

std::optional<double> Number(std::string_view text) {
  if (text == "t" || text == "true") return 1;
  if (text == "f" || text == "false") return 0;
  return ParseDouble(text);
}

/// value x scale; milliseconds divide by 1000 exactly rather than multiply by the nearest 0.001.
double Scaled(double value, double scale) {
  const double inverse = std::round(1 / scale);
  return scale < 1 && 1 / inverse == scale ? value / inverse : value * scale;
}

/// The labels of a metric that carries none, apart from those of one that carries all (empty).
const std::vector<std::string> kUnlabelled = {""};

/// Counts one observation; buckets cumulate.
void Observe(double value, ClientMetric::Histogram& histogram) {
  for (ClientMetric::Bucket& bucket : histogram.bucket) {
    if (value <= bucket.upper_bound) ++bucket.cumulative_count;
  }
  ++histogram.sample_count;
  histogram.sample_sum += value;
}

double& ValueOf(ClientMetric& metric, MetricType type) {
  if (type == MetricType::Counter) return metric.counter.value;
  if (type == MetricType::Gauge) return metric.gauge.value;
  return metric.untyped.value;
}

class Decoder {
 public:
  Decoder(const PlannedCollector& planned, const Rows& rows, const std::string& server)
      : planned_(planned), rows_(rows), server_(server) {
    for (std::size_t i = 0; i < rows.columns(); ++i) position_.emplace(rows.name(i), i);
    for (const Column* column : planned.columns) {
      if (column->fills && position_.contains(column->col)) fills_ = position_.at(column->col);
    }
    for (const Column* column : planned.columns) AddOutputs(*column);
    if (fills_ != kNone || outputs_.empty()) return;  // each row has names of its own
    const std::size_t series = std::min(rows.rows(), planned.limit / outputs_.size());
    for (Output& output : outputs_) {
      output.family.metric.reserve(series);
      output.sample.reserve(series);
    }
  }

  Decoded Run() && {
    std::vector<std::size_t> label_rows(label_sets_.size());
    std::vector<bool> repeated(label_sets_.size());
    for (std::size_t row = 0; row < rows_.rows(); ++row) {
      for (std::size_t i = 0; i < label_sets_.size(); ++i) {
        LabelSet& set = label_sets_[i];
        MakeLabels(set, row);
        const auto [place, added] = set.first.try_emplace(key_, set.first.size());
        label_rows[i] = place->second;
        repeated[i] = !added;
      }
      for (Output& output : outputs_) {
        Output* const named = Named(output, row);
        if (named == nullptr) continue;
        AddValue(*named, row, label_rows[output.label_set], repeated[output.label_set]);
      }
    }
    for (Output& output : outputs_) Give(output);
    for (auto& [key, output] : named_) Give(output);
    return std::move(decoded_);
  }

 private:
  void AddOutputs(const Column& column) {
    if (column.metric.empty()) return;
    const auto position = position_.find(column.col);
    if (position == position_.end()) {
      if (decoded_.missing.empty()) decoded_.missing = column.col;
      return;
    }
    AddOutput(position->second, column.metric, column.type, column.scale, column.help,
              column.unlabelled ? kUnlabelled : column.labels);
    outputs_.back().buckets = &column.buckets;
    for (const CompatName& compat : column.compat) {
      if (!compat.versions.Contains(planned_.major)) continue;
      AddOutput(position->second, compat.name, compat.type, compat.scale,
                compat.help.empty() ? column.help : compat.help,
                compat.labels.empty() ? column.labels : compat.labels);
    }
  }

  void Give(Output& output) {
    if (!output.family.metric.empty()) decoded_.families.push_back(std::move(output.family));
  }

  /// The output itself, or the one of the name that the row makes; null when there is no such name.
  Output* Named(Output& output, std::size_t row) {
    const std::size_t hole = output.family.name.find(kNameHole);
    if (hole == std::string::npos) return &output;
    const std::optional<std::string_view> part =
        fills_ == kNone ? std::nullopt : rows_.at(row, fills_);
    if (!part) return nullptr;
    std::string name = output.family.name;
    name.replace(hole, kNameHole.size(), *part);
    if (!IsMetricName(name)) {
      ++decoded_.unreadable;
      return nullptr;
    }
    const auto [place, added] = named_.try_emplace({&output, name}, output);
    if (added) place->second.family.name = std::move(name);
    return &place->second;
  }

  void AddOutput(std::size_t column, const std::string& name, MetricType type, double scale,
                 const std::string& help, const std::vector<std::string>& labels) {
    Output& output = outputs_.emplace_back();
    output.column = column;
    output.label_set = LabelSetOf(labels);
    output.scale = scale;
    output.family.name = name;
    output.family.type = type;
    output.family.help = help;
  }

  std::size_t LabelSetOf(const std::vector<std::string>& names) {
    const auto [place, added] = label_set_of_.emplace(names, label_sets_.size());
    if (!added) return place->second;
    LabelSet& set = label_sets_.emplace_back();
    for (const Column* column : planned_.columns) {
      if (column->label.empty()) continue;
      if (!names.empty() && std::ranges::find(names, column->label) == names.end()) continue;
      const auto position = position_.find(column->col);
      if (!column->target && position == position_.end()) continue;
      set.labels.push_back(column->target ? kNone : position->second);
      set.made.push_back({column->label, ""});
    }
    return place->second;
  }

  std::string_view LabelValue(std::size_t column, std::size_t row) const {
    return column == kNone ? std::string_view(server_) : rows_.at(row, column).value_or("");
  }

  /// The labels of the row, and their values with the lengths as a key: no two label rows share it.
  void MakeLabels(LabelSet& set, std::size_t row) {
    key_.clear();
    for (std::size_t i = 0; i < set.labels.size(); ++i) {
      const std::string_view value = LabelValue(set.labels[i], row);
      const std::size_t size = value.size();
      key_.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
      set.made[i].value = value;
    }
  }

  void AddValue(Output& output, std::size_t row, std::size_t label_row, bool repeated) {
    const std::optional<std::string_view> text = rows_.at(row, output.column);
    if (!text) return;
    if (output.family.type == MetricType::Histogram && output.buckets->empty()) {
      AddMade(output, *text, label_row, repeated);
      return;
    }
    const std::optional<double> number = Number(*text);
    if (!number) {
      ++decoded_.unreadable;
      return;
    }
    const double value = Scaled(*number, output.scale);
    if (repeated && label_row < output.sample.size() && output.sample[label_row] != kNone) {
      ClientMetric& held = output.family.metric[output.sample[label_row]];
      if (output.family.type == MetricType::Histogram) return Observe(value, held.histogram);
      MergeInto(ValueOf(held, output.family.type), value);
      return;
    }
    ClientMetric* const metric = AddSeries(output, label_row);
    if (metric == nullptr) return;
    if (output.family.type == MetricType::Histogram) {
      for (const double bound : *output.buckets) metric->histogram.bucket.push_back({0, bound});
      metric->histogram.bucket.push_back({0, std::numeric_limits<double>::infinity()});
      Observe(value, metric->histogram);
    } else {
      ValueOf(*metric, output.family.type) = value;
    }
  }

  /// A histogram that the query has made; of several with the same labels the first counts.
  void AddMade(Output& output, std::string_view text, std::size_t label_row, bool repeated) {
    std::optional<ClientMetric::Histogram> histogram = ReadHistogram(text);
    if (!histogram) {
      ++decoded_.unreadable;
    } else if (repeated && label_row < output.sample.size() && output.sample[label_row] != kNone) {
      ++decoded_.dropped;
    } else if (ClientMetric* const metric = AddSeries(output, label_row)) {
      metric->histogram = *std::move(histogram);
    }
  }

  /// A series with the labels of the row at hand; null where there is no room.
  ClientMetric* AddSeries(Output& output, std::size_t label_row) {
    if (decoded_.series >= planned_.limit) {
      ++decoded_.dropped;
      return nullptr;
    }
    if (output.sample.size() <= label_row) output.sample.resize(label_row + 1, kNone);
    output.sample[label_row] = output.family.metric.size();
    ClientMetric& metric = output.family.metric.emplace_back();
    metric.label = label_sets_[output.label_set].made;
    ++decoded_.series;
    return &metric;
  }

  void MergeInto(double& held, double value) {
    switch (planned_.collector->merge) {
      case Merge::kSum:
        held += value;
        break;
      case Merge::kMax:
        held = std::max(held, value);
        break;
      case Merge::kDrop:
        break;
      case Merge::kNone:
        ++decoded_.dropped;
        break;
    }
  }

  const PlannedCollector& planned_;
  const Rows& rows_;
  const std::string& server_;
  std::map<std::string, std::size_t, std::less<>> position_;  // column name -> index in the answer
  std::map<std::vector<std::string>, std::size_t> label_set_of_;
  std::vector<LabelSet> label_sets_;
  std::vector<Output> outputs_;
  std::string key_;            // of the label row at hand
  std::size_t fills_ = kNone;  // the column that fills the {} of names
  std::map<std::pair<const Output*, std::string>, Output> named_;
  Decoded decoded_;
};

}  // namespace

Decoded Decode(const PlannedCollector& planned, const Rows& rows, const std::string& server) {
  return Decoder(planned, rows, server).Run();
}

}  // namespace pgbeacon::collectors
