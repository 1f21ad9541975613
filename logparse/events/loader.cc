#include "logparse/events/loader.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/families.h"
#include "base/text.h"
#include "logparse/events/family_spec.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kOther = "other";

using LabelValues = std::vector<std::pair<std::string, std::string>>;

class Loader {
 public:
  explicit Loader(CatalogueData& data) : data_(data) {}

  void Families(YamlMap& root);
  void Samples(YamlMap& root);
  void BornErrors(YamlMap& root);
  void Sessionless(YamlMap& root) { sessionless_ = root.Strings("sessionless"); }
  void Row(YamlMap& map);
  /// A row of a user's: one with a mistake is left out.
  void UserRow(YamlMap map);

  YamlErrors errors;  ///< of the catalogue's own file

 private:
  Severity ReadSeverity(YamlMap& map, const std::string& name);
  void Conditions(YamlMap& map, EventRow& row);
  void Wordings(YamlMap& map, EventRow& row);
  void AddText(YamlMap& map, std::string_view key, const std::string& text, EventRow& row,
               std::vector<Wording>& wordings);
  void AddRegex(YamlMap& map, const std::string& regex, EventRow& row);
  int FieldIndex(YamlMap& map, std::string_view key, EventRow& row, std::string name,
                 const FieldType& type);
  void Metric(YamlMap& map, EventRow& row);
  std::optional<int> FieldRef(YamlMap& map, std::string_view key, const EventRow& row);
  std::optional<int> FindFamily(YamlMap& map, const std::string& name);
  std::optional<int> DeclareFamily(YamlMap& map, const LabelValues& labels);
  void Labels(YamlMap& map, const LabelValues& given, const EventRow& row, const FamilySpec& family,
              MetricUse& use);

  CatalogueData& data_;
  std::map<std::string, std::string> names_;                           // -> where it is given
  std::vector<std::pair<std::string, const FieldType*>> field_types_;  // of the row being read
  std::vector<std::string> sessionless_;                               // classes
  bool in_user_row_ = false;
};

void Loader::Families(YamlMap& root) {
  for (YamlMap& map : root.Maps("families")) {
    FamilySpec family;
    family.labels = map.Strings("labels");
    ReadFamily(map, family);
    family.long_statements = map.Bool("long_statements").value_or(false);
    map.Finish();
    if (family.type == FamilySpec::Type::kHistogram && family.buckets.empty()) {
      map.Fail("buckets", "a histogram needs buckets, and nothing else has them");
    }
    if (std::ranges::find(data_.families, family.name, &FamilySpec::name) != data_.families.end()) {
      map.Fail("name", "duplicate family '" + family.name + "'");
    }
    data_.families.push_back(std::move(family));
  }
}

SamplePrint ReadPrint(YamlMap& map) {
  static const std::vector<std::string> kNames = {"whole", "bytes", "kB", "ratio", "number"};
  const std::optional<std::string> name = map.Choice("print", kNames);
  if (!name) return SamplePrint::kNever;
  return static_cast<SamplePrint>(std::ranges::find(kNames, *name) - kNames.begin() + 1);
}

void Loader::Samples(YamlMap& root) {
  for (YamlMap& map : root.Maps("samples")) {
    SampleSpec sample;
    sample.key = map.Require("key");
    sample.metric = map.Require("metric");
    sample.help = map.Require("help");
    sample.scale = map.Number("scale").value_or(1);
    sample.print = ReadPrint(map);
    map.Finish();
    if (!sample.metric.empty() &&
        (!IsMetricName(sample.metric) || !sample.metric.starts_with("pg_sample_"))) {
      map.Fail("metric", "a name pg_sample_... is expected");
    }
    if (std::ranges::find(data_.samples, sample.key, &SampleSpec::key) != data_.samples.end()) {
      map.Fail("key", "duplicate sample '" + sample.key + "'");
    }
    data_.samples.push_back(std::move(sample));
  }
}

void Loader::BornErrors(YamlMap& root) {
  for (YamlMap& map : root.Maps("errors")) {
    const std::vector<std::string> severities = map.Strings("severity");
    const std::vector<std::string> codes = map.Strings("sqlstate");
    if (severities.empty()) map.Fail("severity", "'severity' is required");
    if (codes.empty()) map.Fail("sqlstate", "'sqlstate' is required");
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
    map.Fail(
        "severity",
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
  const std::string side =
      map.Choice("side", {"server", "client", "platform", "pooler"}).value_or("server");
  if (side == "client") row.side = Side::kClient;
  if (side == "platform") row.side = Side::kPlatform;
  if (side == "pooler") row.side = Side::kPooler;
  for (const std::string& name : map.Strings("severity")) {
    row.severities |=
        static_cast<std::uint16_t>(1U << static_cast<unsigned>(ReadSeverity(map, name)));
  }
  row.sqlstates = map.Strings("sqlstate");
  for (const std::string& code : row.sqlstates) {
    if (code.size() != 5 && code.size() != 2) {
      map.Fail("sqlstate", "'" + code + "' is neither an SQLSTATE nor a class of two characters");
    }
  }
  if (row.sqlstates.size() == 1 && row.sqlstates[0].size() == 5) row.sqlstate = row.sqlstates[0];
  if (std::optional<std::string> assumed = map.String("assume")) row.sqlstate = *std::move(assumed);
  row.versions = map.String("versions").value_or("");
  if (!IsVersionRange(row.versions)) map.Fail("versions", "expected a range such as '>=16 <18'");
  row.context = map.String("context").value_or("");
  row.born = map.Bool("born").value_or(false);
  row.catch_all = map.Bool("catch_all").value_or(false);
}

int Loader::FieldIndex(YamlMap& map, std::string_view key, EventRow& row, std::string name,
                       const FieldType& type) {
  const auto known = std::ranges::find(field_types_, name, [](const auto& f) { return f.first; });
  if (known != field_types_.end()) {
    if (known->second->number() != type.number()) {
      map.Fail(key, "field '" + name + "' is a number in one wording and text in another");
    }
    return static_cast<int>(known - field_types_.begin());
  }
  row.fields.push_back({name, type.number(), type.multiply / type.divide});
  field_types_.emplace_back(std::move(name), &type);
  return static_cast<int>(field_types_.size()) - 1;
}

void Loader::AddText(YamlMap& map, std::string_view key, const std::string& text, EventRow& row,
                     std::vector<Wording>& wordings) {
  Result<Pattern> pattern = Pattern::Compile(text);
  if (!pattern.ok()) {
    map.Fail(key, "'" + text + "': " + pattern.error().message);
    return;
  }
  Wording wording;
  for (const Pattern::Hole& hole : pattern->holes()) {
    wording.fields.push_back(FieldIndex(map, key, row, hole.name, *hole.type));
    wording.field_types.push_back(hole.type);
  }
  if (wording.fields.size() > UserRegex::kMaxGroups) map.Fail(key, "too many holes");
  wording.row = static_cast<int>(data_.rows.size());
  wording.pattern = std::make_unique<Pattern>(std::move(pattern).value());
  wordings.push_back(std::move(wording));
}

void Loader::AddRegex(YamlMap& map, const std::string& regex, EventRow& row) {
  Wording wording;
  std::vector<YamlMap> fields = map.Maps("fields");
  for (YamlMap& field : fields) {
    const std::string name = field.Require("name");
    const std::string type_name = field.Require("type");
    field.Finish();
    const FieldType* type = FindFieldType(type_name);
    if (!name.empty() && !IsFieldName(name)) {
      field.Fail("name", "'" + name + "' is no field name: it is of a-z, 0-9 and '_'");
    }
    if (!type_name.empty() && type == nullptr) {
      field.Fail("type",
                 "unknown type '" + type_name + "'; known are " + Join(FieldTypeNames(), ", "));
    }
    if (type == nullptr) continue;
    const int index = FieldIndex(field, "name", row, name + std::string(type->suffix), *type);
    if (std::ranges::find(wording.fields, index) != wording.fields.end()) {
      field.Fail("name", "two fields are named '" + name + std::string(type->suffix) + "'");
    }
    wording.fields.push_back(index);
    wording.field_types.push_back(type);
  }
  Result<std::unique_ptr<UserRegex>> compiled = UserRegex::Compile(regex);
  if (!compiled.ok()) {
    map.Fail("re2", compiled.error().message);
    return;
  }
  if (fields.size() != (*compiled)->groups()) {
    map.Fail("fields", "the expression has " + std::to_string((*compiled)->groups()) +
                           " groups, but " + std::to_string(fields.size()) +
                           " fields are declared");
  }
  wording.row = static_cast<int>(data_.rows.size());
  wording.regex = *std::move(compiled);
  data_.wordings.push_back(std::move(wording));
}

void Loader::Wordings(YamlMap& map, EventRow& row) {
  row.texts = map.Strings("text");
  row.also = map.Strings("also");
  row.lines = map.Strings("lines");
  const std::optional<std::string> regex = map.String("re2");
  for (const std::string& text : row.texts) AddText(map, "text", text, row, data_.wordings);
  for (const std::string& text : row.also) AddText(map, "also", text, row, data_.wordings);
  for (const std::string& text : row.lines) AddText(map, "lines", text, row, data_.lines);
  if (regex) AddRegex(map, *regex, row);
  if (!regex && map.Has("fields"))
    map.Fail("fields", "`fields` belongs to `re2`; a text has holes");
  const bool any_text = row.texts.empty() && row.also.empty() && !regex;
  if (row.catch_all) {
    if (!any_text)
      map.Fail("text", "a catch_all row has no wording: it is known by sqlstate or context");
    if (row.sqlstates.empty() && row.context.empty()) {
      map.Fail("catch_all", "a catch_all row needs `sqlstate` or `context`");
    }
    AddText(map, "catch_all", "", row, data_.wordings);
  } else if (any_text) {
    map.Fail("name", "a row needs `text` or `re2`");
  }
}

std::string NamesOf(const std::vector<FieldSpec>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const FieldSpec& field : fields) names.push_back(field.name);
  return names.empty() ? "none" : Join(names, ", ");
}

std::optional<int> Loader::FieldRef(YamlMap& map, std::string_view key, const EventRow& row) {
  const std::optional<std::string> name = map.String(key);
  if (!name) return std::nullopt;
  const auto field = std::ranges::find(row.fields, *name, &FieldSpec::name);
  if (field != row.fields.end()) return static_cast<int>(field - row.fields.begin());
  map.Fail(key, "unknown field '" + *name + "'; the row has " + NamesOf(row.fields));
  return std::nullopt;
}

void Loader::Labels(YamlMap& map, const LabelValues& given, const EventRow& row,
                    const FamilySpec& family, MetricUse& use) {
  for (const auto& [name, value] : given) {
    if (std::ranges::find(family.labels, name) == family.labels.end()) {
      map.Fail("labels", "unknown label '" + name + "' of " + family.name + "; it has " +
                             (family.labels.empty() ? "none" : Join(family.labels, ", ")));
    }
  }
  for (const std::string& label : family.labels) {
    const auto entry = std::ranges::find(given, label, [](const auto& pair) { return pair.first; });
    if (entry == given.end()) {
      map.Fail("labels", "label '" + label + "' of " + family.name + " is missing");
      continue;
    }
    MetricUse::Label& out = use.labels.emplace_back();
    const std::string& value = entry->second;
    const std::size_t braces = value.find_first_of("{}", 1);
    if (!value.starts_with('{') && braces == std::string::npos) {
      out.value = value;
      continue;
    }
    if (!value.starts_with('{') || braces != value.size() - 1 || !value.ends_with('}')) {
      map.Fail("labels", "'" + value + "': a label's value is a constant or one '{field}'");
      continue;
    }
    const std::string name = value.substr(1, value.size() - 2);
    const auto field = std::ranges::find(row.fields, name, &FieldSpec::name);
    if (field == row.fields.end()) {
      map.Fail("labels", "unknown field '" + name + "'; the row has " + NamesOf(row.fields));
    } else {
      out.field = static_cast<int>(field - row.fields.begin());
    }
  }
}

/// The family of that name; a mistake where there is none.
std::optional<int> Loader::FindFamily(YamlMap& map, const std::string& name) {
  const auto family = std::ranges::find(data_.families, name, &FamilySpec::name);
  if (family != data_.families.end()) return static_cast<int>(family - data_.families.begin());
  std::vector<std::string> names;
  for (const FamilySpec& spec : data_.families) names.push_back(spec.name);
  const std::string nearest = Nearest(name, names);
  map.Fail("name", "unknown family '" + name + "'" +
                       (nearest.empty() ? "; a family of your own has `type` and `help`"
                                        : "; did you mean '" + nearest + "'?"));
  return std::nullopt;
}

/// The family that an entry of `metric` declares; another row may have declared it alike.
std::optional<int> Loader::DeclareFamily(YamlMap& map, const LabelValues& labels) {
  const std::size_t mistakes = map.mistakes();
  FamilySpec family;
  for (const auto& [label, value] : labels) family.labels.push_back(label);
  ReadFamily(map, family);
  if (family.type == FamilySpec::Type::kHistogram && family.buckets.empty()) {
    family.buckets = DefaultBuckets(map.String("value").value_or(""));
  }
  const auto known = std::ranges::find(data_.families, family.name, &FamilySpec::name);
  const bool exists = known != data_.families.end();
  if (exists && (known->type != family.type || known->labels != family.labels ||
                 known->buckets != family.buckets)) {
    map.Fail("name", "there is a family '" + family.name + "' already, " + DescribeFamily(*known) +
                         (known->buckets == family.buckets ? "" : " and other buckets") +
                         "; give this one another name, or feed that one without `type`");
  } else if (!exists && in_user_row_ && IsReservedFamily(family.name)) {
    map.Fail("name", "'" + family.name +
                         "': names that begin with pg_, pgbeacon_, pgbouncer_, platform_log_ or "
                         "process_ are pgbeacon's own");
  }
  if (map.mistakes() > mistakes) return std::nullopt;
  if (!exists) data_.families.push_back(std::move(family));
  return static_cast<int>((exists ? known : data_.families.end() - 1) - data_.families.begin());
}

void Loader::Metric(YamlMap& map, EventRow& row) {
  const std::string name = map.Require("name");
  MetricUse use;
  use.value = FieldRef(map, "value", row);
  use.when = FieldRef(map, "when", row);
  const LabelValues labels = map.StringMap("labels");
  const bool declares = std::ranges::any_of(
      std::initializer_list<std::string_view>{"type", "help", "buckets", "cap", "born"},
      [&](std::string_view key) { return map.Has(key); });
  std::optional<int> index;
  if (!name.empty()) index = declares ? DeclareFamily(map, labels) : FindFamily(map, name);
  map.Finish();
  if (!index) return;
  const FamilySpec& family = data_.families[static_cast<std::size_t>(*index)];
  use.family = *index;
  Labels(map, labels, row, family, use);
  const bool needs_value = family.type != FamilySpec::Type::kCounter || family.long_statements;
  if (needs_value && !map.Has("value")) map.Fail("value", "'value' is required for " + name);
  if (use.value && !row.fields[static_cast<std::size_t>(*use.value)].number) {
    map.Fail("value", "the field is no number");
  }
  row.metrics.push_back(std::move(use));
}

void Loader::Row(YamlMap& map) {
  EventRow row;
  field_types_.clear();
  row.where = map.Where();
  row.name = map.Require("name");
  if (row.name == kOther) map.Fail("name", "'other' is what has no event of its own");
  row.event_class = map.Require("class");
  row.sessionless = std::ranges::find(sessionless_, row.event_class) != sessionless_.end();
  Conditions(map, row);
  Wordings(map, row);
  for (YamlMap& metric : map.Maps("metric")) Metric(metric, row);
  row.samples = map.Strings("sample");
  map.Finish();
  if (row.samples.empty()) map.Fail("sample", "'sample' is required");
  const auto [first, fresh] = names_.try_emplace(row.name, row.where);
  if (!fresh && !row.name.empty()) {
    map.Fail("name", "duplicate event '" + row.name + "', first given at " + first->second);
  }
  data_.rows.push_back(std::move(row));
}

void Loader::UserRow(YamlMap map) {
  in_user_row_ = true;
  const std::size_t mistakes = map.mistakes();
  const auto wordings = static_cast<std::ptrdiff_t>(data_.wordings.size());
  const auto lines = static_cast<std::ptrdiff_t>(data_.lines.size());
  Row(map);
  if (map.mistakes() == mistakes) {
    data_.user_rows.push_back(std::move(map));
  } else {
    data_.rows.pop_back();
    data_.wordings.erase(data_.wordings.begin() + wordings, data_.wordings.end());
    data_.lines.erase(data_.lines.begin() + lines, data_.lines.end());
  }
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
  loader.Sessionless(root);
  for (YamlMap& row : root.Maps("events")) loader.Row(row);
  root.Finish();
  if (!loader.errors.empty()) return loader.errors.ToError();
  const std::size_t builtin = data.wordings.size();
  for (YamlMap& row : user_rows) loader.UserRow(std::move(row));
  // Users' rows come first among equals.
  std::rotate(data.wordings.begin(), data.wordings.begin() + static_cast<std::ptrdiff_t>(builtin),
              data.wordings.end());
  for (std::size_t i = 0; i < data.wordings.size(); ++i)
    data.wordings[i].order = static_cast<int>(i);
  return data;
}

}  // namespace pgbeacon::log
