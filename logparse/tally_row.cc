#include "logparse/tally_row.h"

#include <algorithm>
#include <charconv>

namespace pgbeacon::log {

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  if (text.find_first_of("\\\"\n") == std::string_view::npos) {
    out += text;
  } else {
    for (const char c : text) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
  }
  out += '"';
}

bool TakeQuoted(std::string_view& rest, std::string& out) {
  if (!rest.starts_with('"')) return false;
  const std::size_t plain = rest.find_first_of("\"\\\n", 1);
  if (plain == std::string_view::npos) return false;
  out.assign(rest, 1, plain - 1);
  for (std::size_t i = plain; i < rest.size(); ++i) {
    char c = rest[i];
    if (c == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (c == '\n') return false;
    if (c == '\\') {
      c = ++i < rest.size() ? rest[i] : '\0';
      if (c != 'n' && c != '\\' && c != '"') return false;
      if (c == 'n') c = '\n';
    }
    out += c;
  }
  return false;
}

bool TakeField(std::string_view& rest, std::string_view& name, std::string_view& value) {
  const std::string_view field = rest.substr(0, rest.find(' '));
  const std::size_t equals = field.find('=');
  const bool last = field.size() == rest.size();
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == field.size()) return false;
  if (!last && field.size() + 1 == rest.size()) return false;  // a blank at the end
  name = field.substr(0, equals);
  value = field.substr(equals + 1);
  rest.remove_prefix(field.size() + (last ? 0 : 1));
  return true;
}

void AppendCount(std::string& out, std::uint64_t count) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, count).ptr;
  out.append(digits, end);
}

std::optional<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

KeyText& KeyText::Label(std::string_view name, std::string_view value) {
  text_ += labelled_ ? ',' : '{';
  labelled_ = true;
  text_ += name;
  text_ += '=';
  AppendQuoted(text_, value);
  return *this;
}

std::string KeyText::Take() {
  if (labelled_) text_ += '}';
  return std::move(text_);
}

bool RowKey::Parse(std::string_view text) {
  const std::size_t brace = std::min(text.find('{'), text.size());
  name_ = text.substr(0, brace);
  size_ = 0;
  if (brace == text.size()) return !text.empty();
  std::string_view rest = text.substr(brace + 1);
  while (true) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return false;
    if (size_ == labels_.size()) labels_.emplace_back();
    auto& [name, value] = labels_[size_++];
    name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    if (!TakeQuoted(rest, value)) return false;
    if (rest == "}") return true;
    if (!rest.starts_with(',')) return false;
    rest.remove_prefix(1);
  }
}

const std::string* RowKey::Find(std::string_view label, std::size_t skip) const {
  for (std::size_t i = skip; i < size_; ++i) {
    if (labels_[i].first == label) return &labels_[i].second;
  }
  return nullptr;
}

const std::string* RowKey::First(std::string_view name) const {
  return size_ > 0 && labels_[0].first == name ? &labels_[0].second : nullptr;
}

void RowWriter::AddCount(KeyText& key, std::uint64_t count) {
  std::string value;
  AppendCount(value, count);
  Add(key, std::move(value));
}

}  // namespace pgbeacon::log
