#include "logparse/events/loader.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/families.h"
#include "base/text.h"

namespace pgbeacon::log {
namespace {

class Loader {
 public:
  explicit Loader(CatalogueData& data) : data_(data) {}

  void Families(YamlMap& root);
  void Samples(YamlMap& root);
  void BornErrors(YamlMap& root);
  void Row(YamlMap map);

  YamlErrors errors;

 private:
  void Fail(const YamlMap& map, std::string_view key, const std::string& message) {
    errors.Add(map.Where(key) + ": " + message);
  }
  std::string Required(YamlMap& map, std::string_view key);
  Severity ReadSeverity(YamlMap& map, const std::string& name);
  void Conditions(YamlMap& map, EventRow& row);
  void Wordings(YamlMap& map, EventRow& row);
  void AddText(YamlMap& map, std::string_view key, const std::string& text, EventRow& row);
  void AddRegex(YamlMap& map, const std::string& regex, EventRow& row);
  int FieldIndex(const YamlMap& map, std::string_view key, EventRow& row, std::string name,
                 const FieldType& type);
  void Metric(YamlMap& map, EventRow& row);
  std::optional<int> FieldRef(YamlMap& map, std::string_view key, const EventRow& row);
  void Labels(YamlMap& map, const EventRow& row, const FamilySpec& family, MetricUse& use);

  CatalogueData& data_;
  std::set<std::string> names_;
  std::vector<std::pair<std::string, const FieldType*>> field_types_;  // of the row being read
};

std::string Loader::Required(YamlMap& map, std::string_view key) {
  std::optional<std::string> value = map.String(key);
  if (!value || value->empty()) {
    Fail(map, key, "'" + std::string(key) + "' is required");
    return {};
  }
  return *std::move(value);
}

void Loader::Families(YamlMap& root) {
  for (YamlMap& map : root.Maps("families")) {
    FamilySpec family;
    family.name = Required(map, "name");
    family.help = Required(map, "help");
    const std::string type =
        map.Choice("type", {"counter", "gauge", "histogram"}).value_or("counter");
    if (type == "gauge") family.type = FamilySpec::Type::kGauge;
    if (type == "histogram") family.type = FamilySpec::Type::kHistogram;
    family.labels = map.Strings("labels");
    family.buckets = map.Numbers("buckets");
    family.label_cap = static_cast<int>(map.Int("cap").value_or(family.label_cap));
    family.long_statements = map.Bool("long_statements").value_or(false);
    if (family.labels.empty()) {
      if (map.Bool("born").value_or(false)) family.born.emplace_back();
    } else {
      for (const std::string& values : map.Strings("born")) {
        family.born.push_back(Split(values, ','));
        if (family.born.back().size() != family.labels.size()) {
          Fail(map, "born", "'" + values + "' does not give one value per label");
        }
      }
    }
    map.Finish();
    if (!family.name.empty() && !IsMetricName(family.name)) {
      Fail(map, "name", "'" + family.name + "' is no metric name");
    }
    for (const std::string& label : family.labels) {
      if (!IsLabelName(label) || label == "server" || label == "le") {
        Fail(map, "labels", "'" + label + "' cannot be a label here");
      }
    }
    if ((family.type == FamilySpec::Type::kHistogram) == family.buckets.empty()) {
      Fail(map, "buckets", "a histogram needs buckets, and nothing else has them");
    }
    if (std::ranges::adjacent_find(family.buckets, std::greater_equal<>()) !=
        family.buckets.end()) {
      Fail(map, "buckets", "buckets must ascend");
    }
    if (family.label_cap < 1) Fail(map, "cap", "a cap of at least 1 is expected");
    if (std::ranges::find(data_.families, family.name, &FamilySpec::name) != data_.families.end()) {
      Fail(map, "name", "duplicate family '" + family.name + "'");
    }
    data_.families.push_back(std::move(family));
  }
}

void Loader::Samples(YamlMap& root) {
  for (YamlMap& map : root.Maps("samples")) {
    SampleSpec sample;
    sample.key = Required(map, "key");
    sample.metric = Required(map, "metric");
    sample.help = Required(map, "help");
    sample.scale = map.Number("scale").value_or(1);
    map.Finish();
    if (!sample.metric.empty() &&
        (!IsMetricName(sample.metric) || !sample.metric.starts_with("pg_sample_"))) {
      Fail(map, "metric", "a name pg_sample_... is expected");
    }
    if (std::ranges::find(data_.samples, sample.key, &SampleSpec::key) != data_.samples.end()) {
      Fail(map, "key", "duplicate sample '" + sample.key + "'");
    }
    data_.samples.push_back(std::move(sample));
  }
}

void Loader::BornErrors(YamlMap& root) {
  for (YamlMap& map : root.Maps("errors")) {
    const std::vector<std::string> severities = map.Strings("severity");
    const std::vector<std::string> codes = map.Strings("sqlstate");
    if (severities.empty()) Fail(map, "severity", "'severity' is required");
    if (codes.empty()) Fail(map, "sqlstate", "'sqlstate' is required");
    for (const std::string& name : severities) {
      const Severity severity = ReadSeverity(map, name);
      for (const std::string& code : codes) data_.born_errors.emplace_back(severity, code);
    }
    map.Finish();
  }
}

Severity Loader::ReadSeverity(YamlMap& map, const std::string& name) {
  const Severity severity = ParseSeverity(name);
  if (severity == Severity::kNone) {
    Fail(map, "severity",
         "'" + name +
             "' is no severity; expected DEBUG, INFO, NOTICE, WARNING, LOG, ERROR, FATAL or PANIC");
    return Severity::kError;
  }
  return severity;
}

// ">=13 <17", "<=15", "18".
bool IsVersionRange(std::string_view range) {
  for (const std::string& part : Split(range, ' ')) {
    std::string_view number = part;
    for (const std::string_view op : {">=", "<=", ">", "<"}) {
      if (number.starts_with(op)) {
        number.remove_prefix(op.size());
        break;
      }
    }
    if (!ParseInt(number)) return false;
  }
  return true;
}

void Loader::Conditions(YamlMap& map, EventRow& row) {
  const std::string side = map.Choice("side", {"server", "client", "platform"}).value_or("server");
  if (side == "client") row.side = Side::kClient;
  if (side == "platform") row.side = Side::kPlatform;
  for (const std::string& name : map.Strings("severity")) {
    row.severities |=
        static_cast<std::uint16_t>(1U << static_cast<unsigned>(ReadSeverity(map, name)));
  }
  row.sqlstates = map.Strings("sqlstate");
  for (const std::string& code : row.sqlstates) {
    if (code.size() != 5 && code.size() != 2) {
      Fail(map, "sqlstate", "'" + code + "' is neither an SQLSTATE nor a class of two characters");
    }
  }
  if (row.sqlstates.size() == 1 && row.sqlstates[0].size() == 5) row.sqlstate = row.sqlstates[0];
  if (std::optional<std::string> assumed = map.String("assume")) row.sqlstate = *std::move(assumed);
  row.versions = map.String("versions").value_or("");
  if (!IsVersionRange(row.versions)) Fail(map, "versions", "expected a range such as '>=16 <18'");
  row.context = map.String("context").value_or("");
  row.born = map.Bool("born").value_or(false);
  row.catch_all = map.Bool("catch_all").value_or(false);
}

int Loader::FieldIndex(const YamlMap& map, std::string_view key, EventRow& row, std::string name,
                       const FieldType& type) {
  const auto known = std::ranges::find(field_types_, name, [](const auto& f) { return f.first; });
  if (known != field_types_.end()) {
    if (known->second->number() != type.number()) {
      Fail(map, key, "field '" + name + "' is a number in one wording and text in another");
    }
    return static_cast<int>(known - field_types_.begin());
  }
  row.fields.push_back({name, type.number(), type.multiply / type.divide});
  field_types_.emplace_back(std::move(name), &type);
  return static_cast<int>(field_types_.size()) - 1;
}

void Loader::AddText(YamlMap& map, std::string_view key, const std::string& text, EventRow& row) {
  Result<Pattern> pattern = Pattern::Compile(text);
  if (!pattern.ok()) {
    Fail(map, key, "'" + text + "': " + pattern.error().message);
    return;
  }
  Wording wording;
  for (const Pattern::Hole& hole : pattern->holes()) {
    wording.fields.push_back(FieldIndex(map, key, row, hole.name, *hole.type));
    wording.field_types.push_back(hole.type);
  }
  if (wording.fields.size() > UserRegex::kMaxGroups) Fail(map, key, "too many holes");
  wording.row = static_cast<int>(data_.rows.size());
  wording.pattern = std::make_unique<Pattern>(std::move(pattern).value());
  data_.wordings.push_back(std::move(wording));
}

void Loader::AddRegex(YamlMap& map, const std::string& regex, EventRow& row) {
  Result<std::unique_ptr<UserRegex>> compiled = UserRegex::Compile(regex);
  if (!compiled.ok()) {
    Fail(map, "re2", compiled.error().message);
    return;
  }
  Wording wording;
  for (YamlMap& field : map.Maps("fields")) {
    const std::string name = Required(field, "name");
    const std::string type_name = Required(field, "type");
    field.Finish();
    const FieldType* type = FindFieldType(type_name);
    if (type == nullptr) {
      Fail(field, "type",
           "unknown type '" + type_name + "'; known are " + Join(FieldTypeNames(), ", "));
      return;
    }
    wording.fields.push_back(
        FieldIndex(field, "name", row, name + std::string(type->suffix), *type));
    wording.field_types.push_back(type);
  }
  if (wording.fields.size() != (*compiled)->groups()) {
    Fail(map, "fields",
         "the expression has " + std::to_string((*compiled)->groups()) + " groups, but " +
             std::to_string(wording.fields.size()) + " fields are declared");
  }
  wording.row = static_cast<int>(data_.rows.size());
  wording.regex = *std::move(compiled);
  data_.wordings.push_back(std::move(wording));
}

void Loader::Wordings(YamlMap& map, EventRow& row) {
  row.texts = map.Strings("text");
  const std::vector<std::string> also = map.Strings("also");
  const std::optional<std::string> regex = map.String("re2");
  for (const std::string& text : row.texts) AddText(map, "text", text, row);
  for (const std::string& text : also) AddText(map, "also", text, row);
  if (regex) AddRegex(map, *regex, row);
  if (!regex && map.Has("fields"))
    Fail(map, "fields", "`fields` belongs to `re2`; a text has holes");
  const bool any_text = row.texts.empty() && also.empty() && !regex;
  if (row.catch_all) {
    if (!any_text)
      Fail(map, "text", "a catch_all row has no wording: it is known by sqlstate or context");
    if (row.sqlstates.empty() && row.context.empty()) {
      Fail(map, "catch_all", "a catch_all row needs `sqlstate` or `context`");
    }
    AddText(map, "catch_all", "", row);
  } else if (any_text) {
    Fail(map, "name", "a row needs `text` or `re2`");
  }
}

std::optional<int> Loader::FieldRef(YamlMap& map, std::string_view key, const EventRow& row) {
  const std::optional<std::string> name = map.String(key);
  if (!name) return std::nullopt;
  const auto field = std::ranges::find(row.fields, *name, &FieldSpec::name);
  if (field != row.fields.end()) return static_cast<int>(field - row.fields.begin());
  std::vector<std::string> names;
  for (const FieldSpec& spec : row.fields) names.push_back(spec.name);
  Fail(
      map, key,
      "unknown field '" + *name + "'; the row has " + (names.empty() ? "none" : Join(names, ", ")));
  return std::nullopt;
}

void Loader::Labels(YamlMap& map, const EventRow& row, const FamilySpec& family, MetricUse& use) {
  const auto given = map.StringMap("labels");
  for (const auto& [name, value] : given) {
    if (std::ranges::find(family.labels, name) == family.labels.end()) {
      Fail(map, "labels",
           "unknown label '" + name + "' of " + family.name + "; it has " +
               (family.labels.empty() ? "none" : Join(family.labels, ", ")));
    }
  }
  for (const std::string& label : family.labels) {
    const auto entry = std::ranges::find(given, label, [](const auto& pair) { return pair.first; });
    if (entry == given.end()) {
      Fail(map, "labels", "label '" + label + "' of " + family.name + " is missing");
      continue;
    }
    MetricUse::Label& out = use.labels.emplace_back();
    const std::string& value = entry->second;
    if (!value.starts_with('{') || !value.ends_with('}')) {
      out.value = value;
      continue;
    }
    const std::string name = value.substr(1, value.size() - 2);
    const auto field = std::ranges::find(row.fields, name, &FieldSpec::name);
    if (field == row.fields.end()) {
      Fail(map, "labels", "unknown field '" + name + "'");
    } else {
      out.field = static_cast<int>(field - row.fields.begin());
    }
  }
}

void Loader::Metric(YamlMap& map, EventRow& row) {
  const std::string name = Required(map, "name");
  MetricUse use;
  use.value = FieldRef(map, "value", row);
  use.when = FieldRef(map, "when", row);
  const auto family = std::ranges::find(data_.families, name, &FamilySpec::name);
  if (family == data_.families.end()) {
    std::vector<std::string> names;
    for (const FamilySpec& spec : data_.families) names.push_back(spec.name);
    const std::string nearest = Nearest(name, names);
    Fail(map, "name",
         "unknown family '" + name + "'" +
             (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
    map.StringMap("labels");
    map.Finish();
    return;
  }
  use.family = static_cast<int>(family - data_.families.begin());
  Labels(map, row, *family, use);
  map.Finish();
  const bool needs_value = family->type != FamilySpec::Type::kCounter || family->long_statements;
  if (needs_value && !map.Has("value")) Fail(map, "value", "'value' is required for " + name);
  if (use.value && !row.fields[static_cast<std::size_t>(*use.value)].number) {
    Fail(map, "value", "the field is no number");
  }
  row.metrics.push_back(std::move(use));
}

void Loader::Row(YamlMap map) {
  EventRow row;
  field_types_.clear();
  row.where = map.Where();
  row.name = Required(map, "name");
  row.event_class = Required(map, "class");
  Conditions(map, row);
  Wordings(map, row);
  for (YamlMap& metric : map.Maps("metric")) Metric(metric, row);
  row.samples = map.Strings("sample");
  map.Finish();
  if (row.samples.empty()) Fail(map, "sample", "'sample' is required");
  if (!names_.insert(row.name).second) Fail(map, "name", "duplicate event '" + row.name + "'");
  data_.rows.push_back(std::move(row));
}

}  // namespace

Result<CatalogueData> LoadCatalogue(std::string_view text, std::string file,
                                    std::vector<YamlMap> user_rows) {
  CatalogueData data;
  Loader loader(data);
  YamlMap root = ReadYaml(text, std::move(file), loader.errors);
  loader.Families(root);
  loader.Samples(root);
  loader.BornErrors(root);
  for (YamlMap& row : root.Maps("events")) loader.Row(row);
  root.Finish();
  const std::size_t builtin = data.wordings.size();
  for (YamlMap& row : user_rows) loader.Row(row);
  if (!loader.errors.empty()) return loader.errors.ToError();
  // Users' rows come first among equals.
  std::rotate(data.wordings.begin(), data.wordings.begin() + static_cast<std::ptrdiff_t>(builtin),
              data.wordings.end());
  for (std::size_t i = 0; i < data.wordings.size(); ++i)
    data.wordings[i].order = static_cast<int>(i);
  return data;
}

}  // namespace pgbeacon::log
