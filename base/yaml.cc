#include "base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "base/shown.h"
#include "base/text.h"
#include "base/yaml_pack.h"

namespace pgbeacon {
namespace {

constexpr std::size_t kMaxValues = 1'000'000;  // aliases may multiply: a bound on the whole tree
constexpr int kMaxDepth = 64;

struct Converter {
  const std::string& file;
  YamlErrors& errors;
  std::size_t values = 0;
  bool too_large = false;

  std::string At(const YAML::Mark& mark) const {
    return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) +
           ": ";
  }

  YamlValue Convert(const YAML::Node& node, int depth) {
    YamlValue value;
    const YAML::Mark mark = node.Mark();
    value.line = mark.line + 1;
    value.column = mark.column + 1;
    if (++values > kMaxValues || depth > kMaxDepth) {
      if (!too_large) errors.Add(At(mark) + "the document is too large or nested too deeply");
      too_large = true;
      return value;
    }
    if (node.IsScalar()) {
      value.kind = YamlValue::Kind::kScalar;
      value.scalar = node.Scalar();
      value.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
      value.kind = YamlValue::Kind::kList;
      for (const YAML::Node& item : node) {
        if (too_large) break;
        value.items.push_back(Convert(item, depth + 1));
      }
    } else if (node.IsMap()) {
      value.kind = YamlValue::Kind::kMap;
      std::unordered_map<std::string, int> lines;
      for (const auto& member : node) {
        if (too_large) break;
        AddMember(value, lines, member.first, member.second, depth);
      }
    }
    return value;
  }

  /// `lines`: where each key of the map was first given.
  void AddMember(YamlValue& map, std::unordered_map<std::string, int>& lines, const YAML::Node& key,
                 const YAML::Node& member, int depth) {
    if (!key.IsScalar()) {
      errors.Add(At(key.Mark()) + "a key must be a plain word");
      return;
    }
    const std::string& name = key.Scalar();
    const auto [first, fresh] = lines.try_emplace(name, key.Mark().line + 1);
    if (!fresh) {
      errors.Add(At(key.Mark()) + "duplicate key " + ShownKey(name) + ", first given in line " +
                 std::to_string(first->second));
      return;
    }
    YamlValue value = Convert(member, depth + 1);
    value.line = key.Mark().line + 1;
    value.column = key.Mark().column + 1;
    map.members.emplace_back(name, std::move(value));
  }
};

class Ignored : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// YAML::LoadAll is no way to ask: from some broken texts it makes documents for ever.
bool HasSecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Ignored ignored;
  return parser.HandleNextDocument(ignored) && parser.HandleNextDocument(ignored);
}

const char* KindName(YamlValue::Kind kind) {
  switch (kind) {
    case YamlValue::Kind::kNull:
      return "nothing";
    case YamlValue::Kind::kScalar:
      return "a single value";
    case YamlValue::Kind::kList:
      return "a list";
    case YamlValue::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

}  // namespace

YamlValue::YamlValue() = default;
YamlValue::YamlValue(const YamlValue&) = default;
YamlValue::YamlValue(YamlValue&&) noexcept = default;
YamlValue& YamlValue::operator=(const YamlValue&) = default;
YamlValue& YamlValue::operator=(YamlValue&&) noexcept = default;
YamlValue::~YamlValue() = default;

Error YamlErrors::ToError() const { return Error(ErrorCode::kInvalid, Join(messages_, "\n")); }

YamlMap ReadYaml(std::string_view text, std::string file, YamlErrors& errors,
                 const std::string& list_key) {
  auto root = std::make_shared<YamlValue>();
  root->kind = YamlValue::Kind::kMap;
  root->line = 1;
  root->column = 1;
  if (IsPackedYaml(text)) {
    if (!UnpackYaml(text, *root)) errors.Add(file + ": the packed document is broken");
    const YamlValue* value = root.get();
    return YamlMap(std::move(root), std::move(file), value, &errors);
  }
  try {
    const std::string copy(text);
    const YAML::Node document = YAML::Load(copy);
    if (HasSecondDocument(copy)) {
      errors.Add(file + ": one YAML document is expected, found several");
    }
    if (document.IsMap()) {
      *root = Converter{file, errors}.Convert(document, 0);
    } else if (document.IsSequence() && !list_key.empty()) {
      root->members.emplace_back(list_key, Converter{file, errors}.Convert(document, 0));
    } else if (document.IsDefined() && !document.IsNull()) {
      errors.Add(file + ":1:1: the document must be a map of keys");
    }
  } catch (const YAML::Exception& error) {
    errors.Add(file + ":" + std::to_string(error.mark.line + 1) + ":" +
               std::to_string(error.mark.column + 1) + ": YAML syntax: " + error.msg);
  }
  const YamlValue* value = root.get();
  return YamlMap(std::move(root), std::move(file), value, &errors);
}

YamlMap::YamlMap(std::shared_ptr<const YamlValue> file_root, std::string file,
                 const YamlValue* value, YamlErrors* errors)
    : root_(std::move(file_root)), file_(std::move(file)), value_(value), errors_(errors) {}

std::string YamlMap::At(const YamlValue& value) const {
  return file_ + ":" + std::to_string(value.line) + ":" + std::to_string(value.column) + ": ";
}

bool YamlMap::Has(std::string_view key) const {
  return std::ranges::any_of(value_->members, [&](const auto& m) { return m.first == key; });
}

const YamlValue* YamlMap::Find(std::string_view key) {
  known_.emplace(key);
  for (const auto& [name, value] : value_->members) {
    if (name == key) return value.kind == YamlValue::Kind::kNull ? nullptr : &value;
  }
  return nullptr;
}

const YamlValue* YamlMap::FindScalar(std::string_view key, std::string_view expected) {
  const YamlValue* value = Find(key);
  if (value != nullptr && value->kind != YamlValue::Kind::kScalar) {
    errors_->Add(At(*value) + std::string(key) + ": expected " + std::string(expected) +
                 ", found " + KindName(value->kind));
    return nullptr;
  }
  return value;
}

const YamlValue* YamlMap::FindKind(std::string_view key, YamlValue::Kind kind) {
  const YamlValue* value = Find(key);
  if (value == nullptr || value->kind == kind) return value;
  errors_->Add(At(*value) + std::string(key) + ": expected " + KindName(kind) + ", found " +
               KindName(value->kind));
  return nullptr;
}

std::string YamlMap::Require(std::string_view key) {
  const YamlValue* found = Find(key);
  const bool wrong_type = found != nullptr && found->kind != YamlValue::Kind::kScalar;
  const std::optional<std::string> value = String(key);
  if (value && !value->empty()) return *value;
  if (!wrong_type) Fail(key, "'" + std::string(key) + "' is required");
  return {};
}

std::optional<std::string> YamlMap::String(std::string_view key) {
  const YamlValue* value = FindScalar(key, "a string");
  if (value == nullptr) return std::nullopt;
  return value->scalar;
}

std::optional<bool> YamlMap::Bool(std::string_view key) {
  const YamlValue* value = FindScalar(key, "true or false");
  if (value == nullptr) return std::nullopt;
  if (!value->quoted && value->scalar == "true") return true;
  if (!value->quoted && value->scalar == "false") return false;
  errors_->Add(At(*value) + std::string(key) + ": expected true or false" + Found(value->scalar));
  return std::nullopt;
}

std::optional<std::int64_t> YamlMap::Int(std::string_view key) {
  const YamlValue* value = FindScalar(key, "a whole number");
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = ParseInt(value->scalar);
  if (!number || value->quoted) {
    errors_->Add(At(*value) + std::string(key) + ": expected a whole number" +
                 Found(value->scalar));
    return std::nullopt;
  }
  return number;
}

std::optional<double> YamlMap::Number(std::string_view key) {
  const YamlValue* value = FindScalar(key, "a number");
  if (value == nullptr) return std::nullopt;
  const std::optional<double> number = ParseDouble(value->scalar);
  if (!number || value->quoted) {
    errors_->Add(At(*value) + std::string(key) + ": expected a number" + Found(value->scalar));
    return std::nullopt;
  }
  return number;
}

std::optional<std::chrono::milliseconds> YamlMap::Time(std::string_view key) {
  const YamlValue* value = FindScalar(key, "a time such as 30s or 5m");
  if (value == nullptr) return std::nullopt;
  const std::optional<std::chrono::milliseconds> time = ParseTime(value->scalar);
  if (!time) {
    errors_->Add(At(*value) + std::string(key) + ": expected a time such as 250ms, 30s, 5m or 1h" +
                 Found(value->scalar));
  }
  return time;
}

std::optional<std::string> YamlMap::Choice(std::string_view key,
                                           const std::vector<std::string>& choices) {
  const YamlValue* value = FindScalar(key, "one word");
  if (value == nullptr) return std::nullopt;
  if (std::ranges::find(choices, value->scalar) != choices.end()) return value->scalar;
  errors_->Add(At(*value) + std::string(key) + ": expected one of " + Join(choices, ", ") +
               FoundAmong(value->scalar, choices));
  return std::nullopt;
}

std::vector<std::string> YamlMap::Strings(std::string_view key) {
  const YamlValue* value = Find(key);
  if (value == nullptr) return {};
  if (value->kind == YamlValue::Kind::kScalar) return {value->scalar};
  std::vector<std::string> out;
  if (value->kind != YamlValue::Kind::kList) {
    errors_->Add(At(*value) + std::string(key) + ": expected a list, found " +
                 KindName(value->kind));
    return out;
  }
  for (const YamlValue& item : value->items) {
    if (item.kind == YamlValue::Kind::kScalar) {
      out.push_back(item.scalar);
    } else {
      errors_->Add(At(item) + std::string(key) + ": expected a list of single values");
    }
  }
  return out;
}

std::vector<double> YamlMap::Numbers(std::string_view key) {
  std::vector<double> out;
  for (const std::string& text : Strings(key)) {
    if (const std::optional<double> number = ParseDouble(text)) {
      out.push_back(*number);
    } else {
      Fail(key, std::string(key) + ": expected numbers" + Found(text));
    }
  }
  return out;
}

std::vector<YamlMap> YamlMap::Maps(std::string_view key) {
  const YamlValue* value = FindKind(key, YamlValue::Kind::kList);
  std::vector<YamlMap> out;
  if (value == nullptr) return out;
  for (const YamlValue& item : value->items) {
    if (item.kind == YamlValue::Kind::kMap) {
      out.push_back(YamlMap(root_, file_, &item, errors_));
    } else {
      errors_->Add(At(item) + std::string(key) + ": expected a list of maps");
    }
  }
  return out;
}

std::vector<std::pair<std::string, YamlMap>> YamlMap::NamedMaps(std::string_view key) {
  std::vector<std::pair<std::string, YamlMap>> out;
  const YamlValue* value = FindKind(key, YamlValue::Kind::kMap);
  if (value == nullptr) return out;
  for (const auto& [name, member] : value->members) {
    if (member.kind == YamlValue::Kind::kMap) {
      out.emplace_back(name, YamlMap(root_, file_, &member, errors_));
    } else {
      errors_->Add(At(member) + ShownKey(name) + ": expected a map, found " +
                   KindName(member.kind));
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> YamlMap::StringMap(std::string_view key) {
  std::vector<std::pair<std::string, std::string>> out;
  const YamlValue* value = FindKind(key, YamlValue::Kind::kMap);
  if (value == nullptr) return out;
  for (const auto& [name, member] : value->members) {
    if (member.kind == YamlValue::Kind::kScalar) {
      out.emplace_back(name, member.scalar);
    } else {
      errors_->Add(At(member) + ShownKey(name) + ": expected a single value, found " +
                   KindName(member.kind));
    }
  }
  return out;
}

std::optional<YamlMap> YamlMap::Map(std::string_view key) {
  const YamlValue* value = FindKind(key, YamlValue::Kind::kMap);
  if (value == nullptr) return std::nullopt;
  return YamlMap(root_, file_, value, errors_);
}

void YamlMap::Finish() {
  for (const auto& [name, value] : value_->members) {
    if (known_.contains(name)) continue;
    const std::string nearest = Nearest(name, {known_.begin(), known_.end()});
    errors_->Add(At(value) + "unknown key " + ShownKey(name) +
                 (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
  }
}

void YamlMap::Fail(std::string_view key, std::string message) {
  errors_->Add(Where(key) + ": " + std::move(message));
}

std::string YamlMap::Where(std::string_view key) const {
  const YamlValue* place = value_;
  for (const auto& [name, value] : value_->members) {
    if (name == key) place = &value;
  }
  return file_ + ":" + std::to_string(place->line) + ":" + std::to_string(place->column);
}

std::optional<std::chrono::milliseconds> ParseTime(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  double factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s" || unit.empty()) factor = 1e3;
  if (unit == "m" || unit == "min") factor = 60e3;
  if (unit == "h") factor = 3600e3;
  if (unit == "d") factor = 86400e3;
  constexpr double kLongest = 1e12;  // 31 years: as nanoseconds it still fits a time point
  if (factor == 0 || number * factor > kLongest) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::llround(number * factor)));
}

}  // namespace pgbeacon
