#include "logparse/cells.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr double kLargest = ExactSum::kLargest;
constexpr std::size_t kMaxLabel = 100;  // bytes of a label value; identifiers have 63
constexpr int kBeyondCap = 200;         // series with a label "other" that are restored
constexpr std::size_t kMostBytesOfLabel = 3 * kMaxLabel;  // ill-formed bytes become three
constexpr const char* kOther = "other";
constexpr std::string_view kSum = "sum";
constexpr std::string_view kInfinity = "+Inf";

// Lengths keep values that hold any byte apart.
void AppendKey(std::string& key, std::string_view value) {
  key += std::to_string(value.size());
  key += ':';
  key += value;
}

std::string KeyOf(const SeriesName& name) {
  std::string key = std::to_string(name.family);
  for (const std::string& label : name.labels) AppendKey(key, label);
  return key;
}

bool IsPlain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::unique_ptr<std::uint64_t[]> MakeBuckets(const FamilySpec& family) {
  return std::make_unique<std::uint64_t[]>(family.buckets.size() + 1);
}

// A gauge or sum as a number; a histogram as its sum and what is in each bucket that holds
// anything: "sum=0.35 0.1=1 0.25=2 +Inf=1".
std::string TextOf(const Cell& cell, const FamilySpec& family) {
  std::string text;
  if (family.type == FamilySpec::Type::kGauge) {
    AppendDouble(text, cell.gauge);
  } else if (family.type == FamilySpec::Type::kCounter) {
    cell.sum.AppendTo(text);
  } else {
    text += kSum;
    text += '=';
    cell.sum.AppendTo(text);
    for (std::size_t b = 0; cell.buckets && b <= family.buckets.size(); ++b) {
      if (cell.buckets[b] == 0) continue;
      text += ' ';
      if (b < family.buckets.size()) {
        AppendDouble(text, family.buckets[b]);
      } else {
        text += kInfinity;
      }
      text += '=';
      AppendCount(text, cell.buckets[b]);
    }
  }
  return text;
}

bool ReadHistogram(std::string_view text, const FamilySpec& family, Cell& cell) {
  std::string_view name;
  std::string_view value;
  if (!TakeField(text, name, value) || name != kSum) return false;
  const std::optional<ExactSum> sum = ExactSum::Parse(value);
  if (!sum) return false;
  cell.sum = *sum;
  while (TakeField(text, name, value)) {
    const std::optional<std::uint64_t> count = ParseCount(value);
    const std::optional<double> bound =
        name == kInfinity ? std::optional(HUGE_VAL) : ParseDouble(name);
    if (!count || !bound || std::isnan(*bound)) return false;
    if (!cell.buckets) cell.buckets = MakeBuckets(family);
    const auto bucket = std::ranges::lower_bound(family.buckets, *bound) - family.buckets.begin();
    cell.buckets[static_cast<std::size_t>(bucket)] += *count;
    cell.count += *count;
  }
  return text.empty();
}

}  // namespace

CellPlan::CellPlan(const Catalogue& catalogue) : catalogue_(catalogue) {
  const std::vector<FamilySpec>& families = catalogue.families();
  by_database_.resize(families.size());
  for (std::size_t f = 0; f < families.size(); ++f) {
    by_database_[f] = families[f].name.starts_with("pg_log_");
    for (const std::vector<std::string>& labels : families[f].born) {
      Add({static_cast<int>(f), labels});
    }
  }
  for (const EventRow& row : catalogue.rows()) {
    std::vector<int>& uses = uses_.emplace_back();
    for (const MetricUse& use : row.metrics) {
      if (row.side == Side::kServer) by_database_[static_cast<std::size_t>(use.family)] = true;
      const bool constant = std::ranges::none_of(
          use.labels, [](const auto& label) { return label.field.has_value(); });
      if (!constant) {
        uses.push_back(kDynamic);
        continue;
      }
      SeriesName name{use.family, {}};
      for (const MetricUse::Label& label : use.labels) name.labels.push_back(label.value);
      uses.push_back(Add(std::move(name)));
    }
  }
}

int CellPlan::Add(SeriesName name) {
  const auto [at, added] = index_.try_emplace(KeyOf(name), static_cast<int>(series_.size()));
  if (added) series_.push_back(std::move(name));
  return at->second;
}

int CellPlan::Find(const std::string& key) const {
  const auto at = index_.find(key);
  return at == index_.end() ? kDynamic : at->second;
}

ServerCells::ServerCells(const CellPlan& plan, bool born)
    : plan_(&plan), cells_(plan.series().size()), dynamic_of_(plan.catalogue().families().size()) {
  for (std::size_t i = 0; i < cells_.size() && born; ++i) {
    const SeriesName& name = plan.series()[i];
    const FamilySpec& family = plan.catalogue().families()[static_cast<std::size_t>(name.family)];
    cells_[i].shown = std::ranges::find(family.born, name.labels) != family.born.end();
  }
}

const SeriesName& ServerCells::NameOf(std::size_t cell) const {
  const std::size_t planned = plan_->series().size();
  return cell < planned ? plan_->series()[cell] : dynamic_[cell - planned];
}

void ServerCells::MarkChanged(std::size_t at) {
  cells_[at].changed = true;
  changed_.push_back(at);
}

void ServerCells::Observe(std::size_t at, const FamilySpec& family, double value) {
  Cell& cell = cells_[at];
  if (!cell.changed) MarkChanged(at);
  cell.shown = true;
  if (family.type == FamilySpec::Type::kGauge) {
    cell.gauge = value;
    return;
  }
  ++cell.count;
  cell.sum.Add(value);
  if (family.type != FamilySpec::Type::kHistogram) return;
  if (!cell.buckets) cell.buckets = MakeBuckets(family);
  // From below, where most values are.
  std::size_t bucket = 0;
  while (bucket < family.buckets.size() && family.buckets[bucket] < value) ++bucket;
  ++cell.buckets[bucket];
}

void ServerCells::Count(const Event& event, std::size_t row, double long_statement_seconds) {
  const std::vector<MetricUse>& uses = event.row->metrics;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const MetricUse& use = uses[i];
    if (use.when && !event.fields[static_cast<std::size_t>(*use.when)].present) continue;
    const FamilySpec& family = plan_->catalogue().families()[static_cast<std::size_t>(use.family)];
    double value = 1;
    if (use.value) {
      const FieldValue& field = event.fields[static_cast<std::size_t>(*use.value)];
      if (!field.present || !(std::fabs(field.number) <= kLargest)) continue;
      value = field.number;
    }
    if (family.long_statements) {
      if (value < long_statement_seconds) continue;
      value = 1;
    }
    if (family.type == FamilySpec::Type::kCounter && value < 0) continue;
    const int planned = plan_->cell_of(row, i);
    Observe(planned == CellPlan::kDynamic ? CellOf(use, event) : static_cast<std::size_t>(planned),
            family, value);
  }
}

void ServerCells::Add(int family, const std::vector<std::string>& labels, double value) {
  SeriesName name{family, labels};
  Observe(CellOf(name, std::vector<bool>(labels.size())),
          plan_->catalogue().families()[static_cast<std::size_t>(family)], value);
}

std::size_t ServerCells::CellOf(const MetricUse& use, const Event& event) {
  key_ = std::to_string(use.family);
  bool plain = true;
  for (const MetricUse::Label& label : use.labels) {
    const std::string_view value =
        label.field ? event.fields[static_cast<std::size_t>(*label.field)].text : label.value;
    plain = plain && value.size() <= kMaxLabel && IsPlain(value);
    AppendKey(key_, value);
  }
  if (plain) {
    const auto known = dynamic_index_.find(key_);
    if (known != dynamic_index_.end()) return known->second;
  }
  SeriesName name{use.family, {}};
  std::vector<bool> open;  // labels that messages fill
  for (const MetricUse::Label& label : use.labels) {
    open.push_back(label.field.has_value());
    name.labels.push_back(
        label.field
            ? ToUtf8(event.fields[static_cast<std::size_t>(*label.field)].text.substr(0, kMaxLabel))
            : label.value);
  }
  return CellOf(name, open);
}

std::size_t ServerCells::CellOf(SeriesName& name, const std::vector<bool>& open) {
  std::string key = KeyOf(name);
  if (const int planned = plan_->Find(key); planned != CellPlan::kDynamic) {
    return static_cast<std::size_t>(planned);
  }
  if (const auto known = dynamic_index_.find(key); known != dynamic_index_.end())
    return known->second;
  const auto family = static_cast<std::size_t>(name.family);
  if (dynamic_of_[family].all >= plan_->catalogue().families()[family].label_cap) {
    bool changed = false;
    for (std::size_t i = 0; i < name.labels.size(); ++i) {
      if (!open[i] || name.labels[i] == kOther) continue;
      name.labels[i] = kOther;
      changed = true;
    }
    if (changed) return CellOf(name, open);
  }
  return AddDynamic(name, std::move(key));
}

std::size_t ServerCells::AddDynamic(SeriesName name, std::string key) {
  Dynamic& series = dynamic_of_[static_cast<std::size_t>(name.family)];
  ++series.all;
  series.other += std::ranges::find(name.labels, kOther) != name.labels.end() ? 1 : 0;
  dynamic_index_.emplace(std::move(key), cells_.size());
  dynamic_.push_back(std::move(name));
  cells_.emplace_back();
  return cells_.size() - 1;
}

/// The cell of a series that is restored. Rows come in any order, so that one with a label "other",
/// of which a full family has some beyond its cap, must take no room from the rest.
std::optional<std::size_t> ServerCells::Admit(int family, const std::vector<std::string>& labels) {
  SeriesName name{family, labels};
  std::string key = KeyOf(name);
  if (const int planned = plan_->Find(key); planned != CellPlan::kDynamic) {
    return static_cast<std::size_t>(planned);
  }
  if (const auto known = dynamic_index_.find(key); known != dynamic_index_.end()) {
    return known->second;
  }
  const auto f = static_cast<std::size_t>(family);
  const Dynamic& series = dynamic_of_[f];
  const bool other = std::ranges::find(labels, kOther) != labels.end();
  const int cap = plan_->catalogue().families()[f].label_cap;
  if (other ? series.other >= cap + kBeyondCap : series.all - series.other >= cap) {
    return std::nullopt;
  }
  for (const std::string& label : labels) {
    if (label.size() > kMostBytesOfLabel || !IsUtf8(label)) return std::nullopt;
  }
  return AddDynamic(std::move(name), std::move(key));
}

void ServerCells::Changes(RowWriter& rows) {
  for (const std::size_t at : changed_) {
    cells_[at].changed = false;
    const SeriesName& name = NameOf(at);
    const FamilySpec& family = plan_->catalogue().families()[static_cast<std::size_t>(name.family)];
    KeyText key = rows.Key(family.name);
    for (std::size_t l = 0; l < family.labels.size(); ++l) {
      key.Label(family.labels[l], name.labels[l]);
    }
    rows.Add(key, TextOf(cells_[at], family));
  }
  changed_.clear();
}

std::optional<Cell> ServerCells::ReadCell(const FamilySpec& family, std::string_view text) {
  Cell cell;
  cell.shown = true;
  if (family.type == FamilySpec::Type::kGauge) {
    const std::optional<double> value = ParseDouble(text);
    if (!value || !(std::fabs(*value) <= kLargest)) return std::nullopt;
    cell.gauge = *value;
  } else if (family.type == FamilySpec::Type::kCounter) {
    const std::optional<ExactSum> sum = ExactSum::Parse(text);
    if (!sum) return std::nullopt;
    cell.sum = *sum;
  } else if (!ReadHistogram(text, family, cell)) {
    return std::nullopt;
  }
  return cell;
}

bool ServerCells::Restore(int family, const std::vector<std::string>& labels, Cell cell) {
  const std::optional<std::size_t> at = Admit(family, labels);
  if (!at) return false;
  cell.changed = cells_[*at].changed;
  cells_[*at] = std::move(cell);
  return true;
}

void ServerCells::Merge(const ServerCells& other) {
  for (std::size_t i = 0; i < other.cells_.size(); ++i) {
    const Cell& theirs = other.cells_[i];
    if (!theirs.shown) continue;
    std::size_t at = i;
    if (i >= plan_->series().size()) {
      SeriesName name = other.NameOf(i);
      at = CellOf(name, std::vector<bool>(name.labels.size(), true));
    }
    Cell& ours = cells_[at];
    const FamilySpec& family =
        plan_->catalogue().families()[static_cast<std::size_t>(NameOf(at).family)];
    if (!ours.changed) MarkChanged(at);
    ours.shown = true;
    ours.count += theirs.count;
    ours.sum.Add(theirs.sum);
    if (family.type == FamilySpec::Type::kGauge) ours.gauge = theirs.gauge;
    if (!theirs.buckets) continue;
    if (!ours.buckets) ours.buckets = MakeBuckets(family);
    for (std::size_t b = 0; b <= family.buckets.size(); ++b) ours.buckets[b] += theirs.buckets[b];
  }
}

void ServerCells::Collect(int family_index, const Labels& first, Family& out) const {
  const FamilySpec& family = plan_->catalogue().families()[static_cast<std::size_t>(family_index)];
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    if (cells_[i].shown && NameOf(i).family == family_index) found.push_back(i);
  }
  std::ranges::sort(found, {}, [this](std::size_t i) { return NameOf(i).labels; });
  for (const std::size_t i : found) {
    const Cell& cell = cells_[i];
    Labels labels = first;
    for (std::size_t l = 0; l < family.labels.size(); ++l) {
      labels.emplace_back(family.labels[l], NameOf(i).labels[l]);
    }
    if (family.type == FamilySpec::Type::kHistogram) {
      std::vector<std::uint64_t> counts(family.buckets.size() + 1);
      if (cell.buckets) counts.assign(cell.buckets.get(), cell.buckets.get() + counts.size());
      AddHistogram(out, std::move(labels), family.buckets, counts, cell.sum.value());
    } else {
      AddSample(out, std::move(labels),
                family.type == FamilySpec::Type::kGauge ? cell.gauge : cell.sum.value());
    }
  }
}

}  // namespace pgbeacon::log
