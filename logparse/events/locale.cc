#include "logparse/events/locale.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/yaml.h"

namespace pgbeacon::log {
namespace {

// The languages of PostgreSQL's server that Debian ships.
constexpr std::array<std::string_view, 12> kLanguages = {"de", "es", "fr", "it", "ja",    "ka",
                                                         "ko", "ru", "sv", "uk", "zh_CN", "zh_TW"};

// Where its literal text has a byte outside of ASCII, so must a message.
bool NeedsForeignByte(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

Wording MakeWording(Pattern pattern, std::string_view text, int row, const EventRow& spec) {
  Wording wording;
  for (const Pattern::Hole& hole : pattern.holes()) {
    const auto field = std::ranges::find(spec.fields, hole.name, &FieldSpec::name);
    const bool known = field != spec.fields.end() && field->number == hole.type->number();
    const int none = hole.name.starts_with("decimals_") ? Wording::kDecimals : Wording::kNoField;
    wording.fields.push_back(known ? static_cast<int>(field - spec.fields.begin()) : none);
    wording.field_types.push_back(hole.type);
  }
  wording.row = row;
  wording.foreign = NeedsForeignByte(text) && text.find('[') == std::string_view::npos;
  wording.pattern = std::make_unique<Pattern>(std::move(pattern));
  return wording;
}

}  // namespace

Status AddLocaleWordings(std::string_view text, std::string file, CatalogueData& data) {
  YamlErrors errors;
  YamlMap root = ReadYaml(text, std::move(file), errors);
  for (YamlMap& map : root.Maps("wordings")) {
    const std::string event = map.Require("event");
    const auto row = std::ranges::find(data.rows, event, &EventRow::name);
    for (const std::string_view language : kLanguages) {
      for (const std::string& one : map.Strings(language)) {
        Result<Pattern> pattern = Pattern::Compile(one);
        if (!pattern.ok()) {
          map.Fail(language, "'" + one + "': " + pattern.error().message);
        } else if (row != data.rows.end()) {
          data.wordings.push_back(MakeWording(std::move(pattern).value(), one,
                                              static_cast<int>(row - data.rows.begin()), *row));
          data.wordings.back().order = static_cast<int>(data.wordings.size());
        }
      }
    }
    map.Finish();
  }
  root.Finish();
  return errors.empty() ? Status() : Status(errors.ToError());
}

}  // namespace pgbeacon::log
