#include "logparse/forms/json_line.h"

#include <simdjson.h>

#include <algorithm>
#include <string>

#include "base/text.h"
#include "logparse/forms/csv_columns.h"
#include "logparse/forms/json_fields.h"
#include "logparse/label.h"

namespace pgbeacon::log {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kLongestKey = 32;
constexpr std::size_t kKeptCapacity = std::size_t{1} << 18;
constexpr std::size_t kDockerPiece = std::size_t{16} << 10;  // in which docker cuts longer lines
constexpr std::size_t kMostHead = 768;                       // bytes before a label
constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// The longest begin of `text` that does not break off in an escape.
std::string_view WithoutHalfEscape(std::string_view text) {
  constexpr std::size_t kEscape = 6;  // \u0041
  const std::size_t last = text.rfind('\\');
  if (last == std::string_view::npos || last + kEscape < text.size()) return text;
  const std::size_t run = text.find_last_not_of('\\', last);
  return text.substr(0, run + 1);
}

}  // namespace

struct JsonLineReader::State {
  simdjson::error_code Parse(simdjson::padded_string_view json);
  simdjson::error_code ParseCopy(std::string_view line);
  simdjson::error_code Walk(ondemand::object object, JsonFields& fields, bool outermost);
  void Classify();
  bool ClassifyNested();
  void SetText(std::string_view envelope, std::string_view text);
  void SetRecord(std::string_view envelope, const JsonFields& fields);

  ondemand::parser parser;
  std::string copy;      // of a line that needs one
  std::string location;  // "function, file:line"
  JsonFields fields;     // of the line
  JsonFields nested;     // of the object in it
  JsonKey nested_in = JsonKey::kTime;
  JsonLine line;
};

simdjson::error_code JsonLineReader::State::Parse(simdjson::padded_string_view json) {
  line = {};
  fields = {};
  nested_in = JsonKey::kTime;
  ondemand::document document;
  ondemand::object object;
  if (const auto error = parser.iterate(json).get(document)) return error;
  if (const auto error = document.get_object().get(object)) return error;
  if (const auto error = Walk(object, fields, true)) return error;
  const char* more = nullptr;
  if (document.current_location().get(more) == simdjson::SUCCESS) {
    return simdjson::TAPE_ERROR;  // something stands behind the object
  }
  Classify();
  return simdjson::SUCCESS;
}

simdjson::error_code JsonLineReader::State::ParseCopy(std::string_view json) {
  copy.assign(json).append(simdjson::SIMDJSON_PADDING, ' ');
  return Parse(simdjson::padded_string_view(copy.data(), json.size(), copy.size()));
}

/// Takes the values of the known keys.
simdjson::error_code JsonLineReader::State::Walk(ondemand::object object, JsonFields& values,
                                                 bool outermost) {
  for (simdjson::simdjson_result<ondemand::field> result : object) {
    ondemand::field field;
    if (const auto error = std::move(result).get(field)) return error;
    const std::string_view raw(field.key().raw(), kLongestKey);
    const std::size_t key = FindJsonKey(raw.substr(0, std::min(raw.find('"'), raw.size())));
    if (key == kJsonKeys) continue;
    ondemand::json_type type;
    if (const auto error = field.value().type().get(type)) return error;
    if (type == ondemand::json_type::string) {
      if (const auto error = field.value().get_string().get(values.values[key])) return error;
    } else if (type == ondemand::json_type::number) {
      values.values[key] = Trim(field.value().raw_json_token());
    } else if (type == ondemand::json_type::object && outermost &&
               key >= static_cast<std::size_t>(JsonKey::kRecord)) {
      ondemand::object inner;
      if (const auto error = field.value().get_object().get(inner)) return error;
      nested = {};
      nested_in = static_cast<JsonKey>(key);
      if (const auto error = Walk(inner, nested, false)) return error;
    }
  }
  return simdjson::SUCCESS;
}

/// Says what a line with these fields is.
void JsonLineReader::State::Classify() {
  line.kind = JsonLine::Kind::kOther;
  line.time = fields[fields.Has(JsonKey::kTime) ? JsonKey::kTime : JsonKey::kTimestamp];
  line.stream = fields[JsonKey::kStream];
  if (fields.Has(JsonKey::kSeverity) && fields.Has(JsonKey::kTimestamp)) {
    SetRecord({}, fields);
  } else if (ClassifyNested()) {
    return;
  } else if (fields.Has(JsonKey::kLogger) && fields.Has(JsonKey::kLevel) &&
             fields.Has(JsonKey::kMsg)) {
    if (fields[JsonKey::kLogger] == "postgres") {
      SetText("cnpg", fields[JsonKey::kMsg]);
      return;
    }
    line.kind = JsonLine::Kind::kPlatform;
    line.envelope = "cnpg";
    line.message.side = Side::kPlatform;
    line.message.time = line.time;
    line.message.source = line.envelope;
    line.message.process = fields[JsonKey::kLogger];
    line.message.text = fields[JsonKey::kMsg];
  } else if (fields.Has(JsonKey::kTextPayload)) {
    SetText("gcp", fields[JsonKey::kTextPayload]);
  } else if (fields.Has(JsonKey::kLog)) {
    const std::string_view text = fields[JsonKey::kLog];
    SetText(fields.Has(JsonKey::kStream) ? "docker" : "json", text);
    line.partial = !text.ends_with('\n') && text.size() >= kDockerPiece;
  } else {
    for (const JsonKey key : {JsonKey::kMessage, JsonKey::kMsg, JsonKey::kLineText}) {
      if (!fields.Has(key)) continue;
      SetText("json", fields[key]);
      return;
    }
  }
}

bool JsonLineReader::State::ClassifyNested() {
  if (nested_in == JsonKey::kRecord && nested.Has(JsonKey::kSeverity)) {
    SetRecord("cnpg", nested);
    return true;
  }
  if (nested_in == JsonKey::kPayload && nested.Has(JsonKey::kMessage)) {
    SetText("gcp", nested[JsonKey::kMessage]);
    return true;
  }
  if (nested_in != JsonKey::kProperties || !nested.Has(JsonKey::kErrorLevel)) return false;
  // The text has its prefix and label in most lines. Where it has not, the level speaks for it.
  const std::string_view text = nested[JsonKey::kMessage];
  Message message;
  message.time = line.time;
  message.sqlstate = nested[JsonKey::kErrorCode];
  message.text = text;
  message.detail = nested[JsonKey::kDetail];
  SetSeverity(nested[JsonKey::kErrorLevel], message);
  const std::size_t at = FindLabel(text, 0, kMostHead);
  const Label label =
      at == std::string_view::npos ? Label{} : ParseLabel(text.substr(at), LabelForm::kTwoBlanks);
  if (text.starts_with('\t') ||
      (label.found() && (!label.primary() || label.severity == message.severity))) {
    SetText("azure", text);
    return true;
  }
  line.kind = JsonLine::Kind::kRecord;
  line.envelope = "azure";
  line.message = message;
  return true;
}

void JsonLineReader::State::SetText(std::string_view envelope, std::string_view text) {
  line.kind = JsonLine::Kind::kText;
  line.envelope = envelope;
  if (text.ends_with('\n')) text.remove_suffix(1);
  line.text = text;
}

void JsonLineReader::State::SetRecord(std::string_view envelope, const JsonFields& from) {
  line.kind = JsonLine::Kind::kRecord;
  line.envelope = envelope;
  Message& message = line.message;
  message.time = from[JsonKey::kTimestamp];
  message.user = from[JsonKey::kUser];
  message.database = from[JsonKey::kDatabase];
  message.pid = from[JsonKey::kPid];
  message.session = from[from.Has(JsonKey::kSession) ? JsonKey::kSession : JsonKey::kPid];
  message.sqlstate = from.Has(JsonKey::kSqlstate) ? from[JsonKey::kSqlstate] : "00000";
  SetSeverity(from[JsonKey::kSeverity], message);
  message.text = from[JsonKey::kMessage];
  message.detail = from[JsonKey::kDetail];
  message.hint = from[JsonKey::kHint];
  message.query = from[JsonKey::kInternalQuery];
  message.context = from[JsonKey::kContext];
  message.statement = from[JsonKey::kStatement];
  message.application = from[JsonKey::kApplication];
  message.backtrace = from[JsonKey::kBacktrace];
  message.location = from[JsonKey::kLocation];
  if (from.Has(JsonKey::kFile)) {
    location.clear();
    if (from.Has(JsonKey::kFunction)) location.append(from[JsonKey::kFunction]).append(", ");
    location.append(from[JsonKey::kFile]).append(1, ':').append(from[JsonKey::kLine]);
    message.location = location;
  }
}

JsonLineReader::JsonLineReader() : state_(std::make_unique<State>()) {}
JsonLineReader::~JsonLineReader() = default;

JsonLine& JsonLineReader::Read(std::string_view line, std::size_t room) {
  State& state = *state_;
  if (state.parser.capacity() > kKeptCapacity && line.size() < kKeptCapacity) {
    state.parser = ondemand::parser();
    std::string().swap(state.copy);
  }
  line = Trim(line);
  state.line = {};
  if (!line.starts_with('{')) return state.line;
  simdjson::error_code error = simdjson::SUCCESS;
  if (room >= simdjson::SIMDJSON_PADDING) {
    error =
        state.Parse(simdjson::padded_string_view(line, line.size() + simdjson::SIMDJSON_PADDING));
  } else {
    error = state.ParseCopy(line);
  }
  if (error == simdjson::UTF8_ERROR) {
    error = state.ParseCopy(ToUtf8(line));
  }
  if (error != simdjson::SUCCESS) state.line = {};
  return state.line;
}

JsonLine& JsonLineReader::ReadCut(std::string_view line) {
  std::string mended(WithoutHalfEscape(line));
  mended += "\"}";
  if (Read(mended, 0).kind != JsonLine::Kind::kBad) return state_->line;
  mended += '}';
  return Read(mended, 0);
}

std::size_t RoomBehind(std::string_view line, std::string_view block) {
  const auto begin = reinterpret_cast<std::uintptr_t>(block.data());
  const auto end = begin + block.size();
  const auto at = reinterpret_cast<std::uintptr_t>(line.data());
  return at >= begin && at + line.size() <= end ? end - at - line.size() : 0;
}

}  // namespace pgbeacon::log
