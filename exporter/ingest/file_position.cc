#include "exporter/ingest/file_position.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <string_view>

namespace pgbeacon::ingest {
namespace {

namespace json = boost::json;

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool Read(const json::object& object, const char* key, std::uint64_t& number) {
  const json::value* value = object.if_contains(key);
  json::error_code failed;
  if (value == nullptr) return false;
  number = value->to_number<std::uint64_t>(failed);
  return !failed;
}

bool Read(const json::object& object, const char* key, std::string& text) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return false;
  text = std::string(value->get_string());
  return true;
}

bool ReadOpen(const json::object& object, std::vector<std::uint64_t>& open) {
  const json::value* value = object.if_contains("open");
  if (value == nullptr) return true;
  if (!value->is_array()) return false;
  for (const json::value& begin : value->get_array()) {
    json::error_code failed;
    open.push_back(begin.to_number<std::uint64_t>(failed));
    if (failed) return false;
  }
  return true;
}

}  // namespace

std::string FilePosition::Key() const { return fmt::format("{}:{}", id.device, id.inode); }

std::string FilePosition::Text() const {
  json::object object = {{"path", path},
                         {"size", size},
                         {"head_bytes", head.length},
                         {"head_hash", head.hash},
                         {"begin", place.begin},
                         {"end", place.end},
                         {"span", place.span},
                         {"form", std::string(log::FormName(form))}};
  if (!place.open.empty()) object["open"] = json::array(place.open.begin(), place.open.end());
  if (prefix) object["prefix"] = *prefix;
  return json::serialize(object);
}

std::optional<FilePosition> FilePosition::Parse(const std::string& key, const std::string& text) {
  json::error_code failed;
  json::parse_options lenient;
  lenient.allow_invalid_utf8 = true;  // a path is bytes
  const json::value value = json::parse(text, failed, {}, lenient);
  const std::size_t colon = key.find(':');
  if (failed || !value.is_object() || colon == std::string::npos) return std::nullopt;
  const std::optional<std::uint64_t> device = Number(std::string_view(key).substr(0, colon));
  const std::optional<std::uint64_t> inode = Number(std::string_view(key).substr(colon + 1));
  if (!device || !inode) return std::nullopt;

  const json::object& object = value.get_object();
  FilePosition position;
  position.id = {*device, *inode};
  std::uint64_t hash = 0;
  std::uint64_t length = 0;
  std::string form;
  ReadPlace& place = position.place;
  if (!Read(object, "path", position.path) || !Read(object, "size", position.size) ||
      !Read(object, "head_bytes", length) || !Read(object, "head_hash", hash) ||
      !Read(object, "begin", place.begin) || !Read(object, "end", place.end) ||
      !Read(object, "span", place.span) || !Read(object, "form", form) ||
      !ReadOpen(object, place.open) || place.begin > place.end || length > Fingerprint::kBytes) {
    return std::nullopt;
  }
  position.head = {static_cast<std::size_t>(length), static_cast<std::uint32_t>(hash)};
  position.form = log::ParseForm(form).value_or(log::FormKind::kAuto);
  std::string prefix;
  if (Read(object, "prefix", prefix)) position.prefix = prefix;
  return position;
}

}  // namespace pgbeacon::ingest
