#include "base/shown.h"

#include <algorithm>

#include "base/text.h"

namespace pgbeacon {
namespace {

constexpr const char* kHidden = "that is not shown (it may hold a password)";

/// A key or a file's content that stands where its path belongs.
bool IsContent(std::string_view text) {
  return text.find('\n') != std::string_view::npos ||
         text.find("-----BEGIN") != std::string_view::npos;
}

}  // namespace

bool MayHoldSecret(std::string_view text) {
  if (IsContent(text)) return true;
  if (text.starts_with('/')) return false;
  return text.find_first_of("=@") != std::string_view::npos ||
         text.find("://") != std::string_view::npos ||
         ToLower(std::string(text)).find("passw") != std::string::npos;
}

std::string Shown(std::string_view text) {
  if (MayHoldSecret(text)) return std::string("a value ") + kHidden;
  return "'" + std::string(text) + "'";
}

std::string ShownKey(std::string_view key) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
  };
  if (std::ranges::all_of(key, plain)) return Shown(key);
  return std::string("a key ") + kHidden;
}

std::string Found(std::string_view text) {
  constexpr std::size_t kMostUnit = 3;
  const std::size_t number = std::min(text.find_first_not_of("0123456789.:+-[]"), text.size());
  const bool shown = number > 0 && text.size() - number <= kMostUnit && !MayHoldSecret(text);
  return shown ? "; found '" + std::string(text) + "'" : "";
}

std::string FoundAmong(std::string_view text, const std::vector<std::string>& expected) {
  const std::string nearest = Nearest(text, expected);
  return nearest.empty() ? Found(text) : "; did you mean '" + nearest + "'?";
}

std::string ShownPath(std::string_view path) {
  const bool path_like = path.starts_with('/') || path.starts_with('.') || path.ends_with(".yml") ||
                         path.ends_with(".yaml");
  if (path_like && !IsContent(path)) return std::string(path);
  return std::string("a path ") + kHidden;
}

}  // namespace pgbeacon
