#include "collectors/engine/governor.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace pgbeacon::collectors {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::string_view kOther = "other";

using Cells = MemoryRows::Row;

/// Rows of an answer, some of them replaced.
class GovernedRows : public Rows {
 public:
  explicit GovernedRows(const Rows& base) : base_(base) {}
  void Keep(std::size_t row) { shown_.push_back({row, {}}); }
  void Add(Cells cells) { shown_.push_back({kNone, std::move(cells)}); }

  std::size_t rows() const override { return shown_.size(); }
  std::size_t columns() const override { return base_.columns(); }
  std::string_view name(std::size_t column) const override { return base_.name(column); }
  std::optional<std::string_view> at(std::size_t row, std::size_t column) const override {
    const Shown& shown = shown_[row];
    if (shown.base != kNone) return base_.at(shown.base, column);
    const std::optional<std::string>& cell = shown.cells[column];
    if (!cell) return std::nullopt;
    return *cell;
  }

 private:
  struct Shown {
    std::size_t base;
    Cells cells;
  };
  const Rows& base_;
  std::vector<Shown> shown_;
};

void AppendKey(std::string& key, std::string_view value) {
  char length[24];
  char* const end = std::to_chars(length, length + sizeof length, value.size()).ptr;
  *end = ':';
  key.append(length, end + 1).append(value);
}

double NumberOr0(std::optional<std::string_view> text) {
  return text ? ParseDouble(*text).value_or(0) : 0;
}

}  // namespace

/// One run.
class Governor::Pass {
 public:
  Pass(Governor& state, const PlannedCollector& planned, const Rows& rows)
      : state_(state),
        planned_(planned),
        rows_(rows),
        shown_(std::make_unique<GovernedRows>(rows)) {
    for (std::size_t i = 0; i < rows.columns(); ++i) position_.emplace(rows.name(i), i);
    for (const Column* column : planned.columns) AddColumn(*column);
    for (const std::string& name : planned.collector->key) AddKey(name);
    since_ = Position(planned.collector->since);
    count_ = std::min(rows.rows(), kMostRows);
    BeginRun();
  }

  Governed Run() && {
    for (std::size_t i = 0; i < planned_.collector->top.size(); ++i) AddRule(i);
    for (std::size_t row = 0; row < count_; ++row) TakeRow(row);
    for (auto& [key, now] : nows_) Count(key, now);
    AddCarries();
    AddOthers();
    return {std::move(shown_), in_other_, left_out_};
  }

 private:
  struct Rule {
    const Top* top;
    std::vector<std::size_t> labels;  ///< indexes in labels_
    std::unordered_map<std::string, Ranked> ranked;
    std::vector<const Ranked*> of_row;  ///< null: a row that is "other" already
  };
  /// What a source row has now.
  struct Now {
    std::vector<double> values;
    std::string since;
    std::size_t row = 0;
    bool rest = false;
    bool joined = false;
  };
  struct Gauges {
    std::vector<std::string> labels;
    std::vector<std::optional<double>> values;
  };

  std::size_t Position(const std::string& name) const {
    const auto found = position_.find(name);
    return found == position_.end() ? kNone : found->second;
  }

  void AddColumn(const Column& column) {
    const std::size_t position = Position(column.col);
    if (position == kNone) return;
    if (!column.label.empty()) {
      labels_.push_back(position);
      label_names_.push_back(column.label);
    } else if (column.type == MetricType::Counter) {
      counters_.push_back(position);
      outputs_.emplace_back(position, OutputsOf(column));
    } else if (!column.metric.empty()) {
      (column.type == MetricType::Histogram ? histograms_ : gauges_).push_back(position);
      if (column.type != MetricType::Histogram) remainders_.push_back(column.remainder);
      outputs_.emplace_back(position, OutputsOf(column));
    }
  }

  /// How many series a value of the column is.
  std::size_t OutputsOf(const Column& column) const {
    return 1 + static_cast<std::size_t>(
                   std::ranges::count_if(column.compat, [this](const CompatName& compat) {
                     return compat.versions.Contains(planned_.major);
                   }));
  }

  void AddKey(const std::string& name) {
    if (const std::size_t position = Position(name); position != kNone) key_.push_back(position);
  }

  void BeginRun() {
    std::vector<std::string> counters;
    for (const std::size_t column : counters_) counters.emplace_back(rows_.name(column));
    if (state_.run_ > 0 && counters != state_.counters_) state_ = Governor();
    state_.counters_ = std::move(counters);
    state_.members_.resize(planned_.collector->top.size());
    ++state_.run_;
    state_.history_.Begin();
    state_.partial_ |= rows_.rows() > count_;
    for (std::size_t row = count_; row < rows_.rows(); ++row) left_out_ += SeriesOf(row);
  }

  std::string_view Label(std::size_t row, std::size_t label) const {
    return rows_.at(row, labels_[label]).value_or("");
  }

  void AddRule(std::size_t index) {
    Rule& rule = rules_.emplace_back();
    rule.top = &planned_.collector->top[index];
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const auto& of = rule.top->of;
      if (of.empty() || std::ranges::count(of, label_names_[i]) > 0) rule.labels.push_back(i);
    }
    const std::size_t by = Position(rule.top->by);
    rule.of_row.reserve(count_);
    for (std::size_t row = 0; row < count_; ++row) {
      std::string key;
      bool other = true;
      for (const std::size_t label : rule.labels) {
        const std::string_view value = Label(row, label);
        other &= value == kOther;
        AppendKey(key, value);
      }
      rule.of_row.push_back(nullptr);
      if (other) continue;
      Ranked& ranked = rule.ranked[std::move(key)];
      ranked.rank += by == kNone ? 1 : NumberOr0(rows_.at(row, by));
      rule.of_row.back() = &ranked;
    }
    ChooseMembers(Keep(index), rule.ranked, state_.members_[index]);
    if (rule.top->of.empty() && rule.top->other && !counters_.empty()) {
      RestOf(std::vector<std::string>(labels_.size(), std::string(kOther)));
    }
  }

  /// How many the rule keeps: as it says, at most what the limit has room for beside the remainder.
  std::size_t Keep(std::size_t index) const {
    std::size_t series = 0;
    for (const auto& [column, outputs] : outputs_) series += outputs;
    const std::size_t rows = planned_.limit / std::max<std::size_t>(series, 1);
    const std::size_t room = rows - std::min<std::size_t>(rows, 1);
    const std::size_t keep = planned_.keep[index];
    return keep > 0 ? std::min(keep, room) : room;
  }

  bool IsMember(const Rule& rule, std::size_t row) const {
    return rule.of_row[row] != nullptr && rule.of_row[row]->member;
  }

  void TakeRow(std::size_t row) {
    bool rest = false;
    bool joined = false;
    for (const Rule& rule : rules_) {
      if (IsMember(rule, row)) {
        joined |= rule.of_row[row]->joined;
      } else if (rule.top->other) {
        rest = true;
      } else {
        left_out_ += SeriesOf(row);
        return;
      }
    }
    if (rest) {
      in_other_ += SeriesOf(row);
      AddGauges(row);
    } else {
      shown_->Keep(row);
    }
    if (counters_.empty()) return;
    std::string key = LabelKey(row);
    for (const std::size_t column : key_) AppendKey(key, rows_.at(row, column).value_or(""));
    Now& now = nows_[std::move(key)];
    now.values.resize(counters_.size());
    for (std::size_t i = 0; i < counters_.size(); ++i) {
      now.values[i] += NumberOr0(rows_.at(row, counters_[i]));
    }
    now.row = row;
    now.rest = rest;
    now.joined = joined;
    if (since_ != kNone) now.since = rows_.at(row, since_).value_or("");
  }

  std::size_t SeriesOf(std::size_t row) const {
    std::size_t count = 0;
    for (const auto& [column, series] : outputs_) {
      if (rows_.at(row, column)) count += series;
    }
    return count;
  }

  std::string LabelKey(std::size_t row) const {
    std::string key;
    for (std::size_t i = 0; i < labels_.size(); ++i) AppendKey(key, Label(row, i));
    return key;
  }

  /// The row's labels, those of the rules for which `replaced` holds as "other".
  template <typename Replaced>
  std::vector<std::string> OtherLabels(std::size_t row, Replaced replaced) const {
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < labels_.size(); ++i) labels.emplace_back(Label(row, i));
    for (const Rule& rule : rules_) {
      if (!replaced(rule)) continue;
      for (const std::size_t label : rule.labels) labels[label] = kOther;
    }
    return labels;
  }

  std::vector<std::string> RestLabels(std::size_t row) const {
    return OtherLabels(row, [&](const Rule& rule) { return !IsMember(rule, row); });
  }

  void AddGauges(std::size_t row) {
    std::vector<std::string> labels = RestLabels(row);
    if (!histograms_.empty()) {
      Cells cells = LabelCells(labels);
      for (const std::size_t column : histograms_) {
        if (const auto value = rows_.at(row, column)) cells[column] = std::string(*value);
      }
      shown_->Add(std::move(cells));
    }
    if (std::ranges::all_of(remainders_, [](Remainder r) { return r == Remainder::kNone; })) return;
    Gauges& gauges = gauges_now_[KeyOf(labels)];
    gauges.labels = std::move(labels);
    gauges.values.resize(gauges_.size());
    for (std::size_t i = 0; i < gauges_.size(); ++i) {
      const auto text = rows_.at(row, gauges_[i]);
      const auto value = text ? ParseDouble(*text) : std::nullopt;
      if (!value || remainders_[i] == Remainder::kNone) continue;
      std::optional<double>& held = gauges.values[i];
      held = !held                               ? *value
             : remainders_[i] == Remainder::kSum ? *held + *value
                                                 : std::max(*held, *value);
    }
  }

  static std::string KeyOf(const std::vector<std::string>& labels) {
    std::string key;
    for (const std::string& label : labels) AppendKey(key, label);
    return key;
  }

  Rest& RestOf(std::vector<std::string> labels) {
    Rest& rest = state_.rests_[KeyOf(labels)];
    if (rest.run == 0) {
      rest.labels = std::move(labels);
      rest.values.resize(counters_.size());
    }
    rest.run = state_.run_;
    return rest;
  }

  /// What the row has counted since the run before goes to "other" unless a series shows it.
  void Count(const std::string& key, Now& now) {
    std::string group;  // the series of several rows
    if (!now.rest && !key_.empty()) {
      group = LabelKey(now.row);
      group_rows_.try_emplace(group, now.row);
    }
    const RowHistory::Change change =
        state_.history_.Take(key, std::move(now.values), std::move(now.since), group);
    if (!now.rest && (!now.joined || change.added)) return;
    Rest& rest = RestOf(now.rest ? RestLabels(now.row) : OtherLabels(now.row, [&](const Rule& r) {
      return r.of_row[now.row]->joined;
    }));
    const bool unknown = change.added && (state_.run_ == 1 || state_.partial_);
    for (std::size_t i = 0; i < counters_.size() && !unknown; ++i) {
      rest.values[i] += change.increase[i];
    }
  }

  /// A series of several rows of which some are gone goes on from where it was.
  void AddCarries() {
    for (const auto& [group, carry] : state_.history_.End()) {
      Cells cells(rows_.columns());
      for (const std::size_t column : labels_) {
        if (const auto value = rows_.at(group_rows_.at(group), column)) {
          cells[column] = std::string(*value);
        }
      }
      FillCounters(carry, cells);
      shown_->Add(std::move(cells));
    }
  }

  void AddOthers() {
    if (state_.rests_.size() > kMostRows) {
      std::erase_if(state_.rests_, [this](const auto& r) { return r.second.run != state_.run_; });
    }
    std::map<std::string, Cells> others;  // in one order at every run
    for (const auto& [key, rest] : state_.rests_) {
      Cells& cells = others.emplace(key, LabelCells(rest.labels)).first->second;
      FillCounters(rest.values, cells);
    }
    for (const auto& [key, gauges] : gauges_now_) {
      Cells& cells = others.emplace(key, LabelCells(gauges.labels)).first->second;
      for (std::size_t i = 0; i < gauges_.size(); ++i) {
        if (gauges.values[i]) cells[gauges_[i]] = FormatDouble(*gauges.values[i]);
      }
    }
    for (auto& [key, cells] : others) shown_->Add(std::move(cells));
  }

  Cells LabelCells(const std::vector<std::string>& labels) const {
    Cells cells(rows_.columns());
    for (std::size_t i = 0; i < labels_.size(); ++i) cells[labels_[i]] = labels[i];
    return cells;
  }

  void FillCounters(const std::vector<double>& values, Cells& cells) const {
    for (std::size_t i = 0; i < counters_.size(); ++i)
      cells[counters_[i]] = FormatDouble(values[i]);
  }

  Governor& state_;
  const PlannedCollector& planned_;
  const Rows& rows_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t, std::less<>> position_;
  std::vector<std::size_t> labels_;
  std::vector<std::string> label_names_;
  std::vector<std::size_t> counters_;
  std::vector<std::size_t> gauges_;
  std::vector<Remainder> remainders_;  ///< of gauges_
  std::vector<std::size_t> histograms_;
  std::vector<std::size_t> key_;
  std::size_t since_ = kNone;
  std::vector<std::pair<std::size_t, std::size_t>> outputs_;  ///< column, series of a value
  std::vector<Rule> rules_;
  std::unordered_map<std::string, Now> nows_;
  std::unordered_map<std::string, std::size_t> group_rows_;  ///< one row of each
  std::unordered_map<std::string, Gauges> gauges_now_;
  std::unique_ptr<GovernedRows> shown_;
  std::size_t in_other_ = 0;
  std::size_t left_out_ = 0;
};

Governed Governor::Apply(const PlannedCollector& planned, const Rows& rows) {
  return Pass(*this, planned, rows).Run();
}

}  // namespace pgbeacon::collectors
