#include "base/shown.h"

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

std::string ShownPath(std::string_view path) {
  const bool path_like = path.starts_with('/') || path.starts_with('.');
  if (path_like && !IsContent(path)) return std::string(path);
  return std::string("a path ") + kHidden;
}

}  // namespace pgbeacon
