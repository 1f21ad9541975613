#include "logparse/events/user_regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace pgbeacon::log {

namespace {

constexpr int kLeadBytes = 16;

/// The reason, and where in the expression it stands.
Error WhatIsWrong(const RE2& regex) {
  std::string message = "bad regular expression: " + regex.error();
  const std::size_t at = regex.pattern().find(regex.error_arg());
  if (!regex.error_arg().empty() && at != std::string::npos) {
    message += " (character " + std::to_string(at + 1) + ")";
  }
  return {ErrorCode::kInvalid, std::move(message)};
}

}  // namespace

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
  if (const RE2 bare(regex, options); !bare.ok()) return WhatIsWrong(bare);
  std::unique_ptr<UserRegex> out(new UserRegex);
  out->regex_ = std::make_unique<Regex>("\\A(?:" + regex + ")", options);
  const RE2& re2 = out->regex_->re2;
  if (!re2.ok()) return WhatIsWrong(re2);
  if (re2.Match("", 0, 0, RE2::ANCHOR_START, nullptr, 0)) {
    return Error(ErrorCode::kInvalid,
                 "the regular expression matches the empty text, and so every message");
  }
  out->groups_ = static_cast<std::size_t>(re2.NumberOfCapturingGroups());
  if (out->groups_ > kMaxGroups) {
    return Error(ErrorCode::kInvalid, "the regular expression has " + std::to_string(out->groups_) +
                                          " groups, more than " + std::to_string(kMaxGroups) +
                                          "; (?:...) is a group without a field");
  }
  // Whatever lies between two texts that begin alike begins so too.
  std::string low;
  std::string high;
  if (re2.PossibleMatchRange(&low, &high, kLeadBytes)) {
    const auto differ = std::ranges::mismatch(low, high);
    out->lead_.assign(low.begin(), differ.in1);
  }
  return out;
}

bool UserRegex::Match(std::string_view message, std::string_view* captures) const {
  if (!message.starts_with(lead_)) return false;
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
