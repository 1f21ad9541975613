#include "logparse/events/user_regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace pgbeacon::log {

struct UserRegex::Regex {
  explicit Regex(const std::string& text, const RE2::Options& options) : re2(text, options) {}
  RE2 re2;
};

UserRegex::UserRegex() = default;
UserRegex::~UserRegex() = default;

Result<std::unique_ptr<UserRegex>> UserRegex::Compile(const std::string& regex) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  std::unique_ptr<UserRegex> out(new UserRegex);
  out->regex_ = std::make_unique<Regex>("\\A(?:" + regex + ")", options);
  const RE2& re2 = out->regex_->re2;
  if (!re2.ok()) return Error(ErrorCode::kInvalid, "bad regular expression: " + re2.error());
  out->groups_ = static_cast<std::size_t>(re2.NumberOfCapturingGroups());
  if (out->groups_ > kMaxGroups) {
    return Error(ErrorCode::kInvalid, "more than " + std::to_string(kMaxGroups) + " groups");
  }
  // Whatever lies between two texts that begin alike begins so too.
  std::string low;
  std::string high;
  if (re2.PossibleMatchRange(&low, &high, 8)) {
    const auto differ = std::ranges::mismatch(low, high);
    out->lead_.assign(low.begin(), differ.in1);
  }
  return out;
}

bool UserRegex::Match(std::string_view message, std::string_view* captures) const {
  std::array<re2::StringPiece, kMaxGroups + 1> groups;
  const int count = static_cast<int>(groups_) + 1;
  if (!regex_->re2.Match(message, 0, message.size(), RE2::ANCHOR_START, groups.data(), count)) {
    return false;
  }
  for (std::size_t i = 0; i < groups_; ++i) {
    captures[i] = {groups[i + 1].data(), groups[i + 1].size()};
  }
  return true;
}

}  // namespace pgbeacon::log
