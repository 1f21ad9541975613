#include "logparse/prefix.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMaxParts = 64;
constexpr std::size_t kMaxPadding = 1000;
constexpr std::size_t kMaxLiteral = 1024;

}  // namespace

Prefix::Shape Prefix::ShapeOf(char escape) {
  switch (escape) {
    case 't':
    case 's':
      return Shape::kTime;
    case 'm':
      return Shape::kTimeMs;
    case 'n':
      return Shape::kEpoch;
    case 'p':
    case 'l':
    case 'x':
    case 'P':
      return Shape::kDigits;
    case 'Q':
      return Shape::kSigned;
    case 'c':
      return Shape::kHexPair;
    case 'v':
      return Shape::kVxid;
    case 'e':
      return Shape::kSqlstate;
    case 'h':
    case 'L':
      return Shape::kHost;
    case 'r':
      return Shape::kRemote;
    case 'q':
      return Shape::kStop;
    case 'a':
    case 'u':
    case 'd':
    case 'b':
    case 'i':
      return Shape::kName;
    default:
      return Shape::kWord;
  }
}

std::size_t Prefix::MaxSizeOf(char escape) {
  switch (escape) {
    case 'a':
      return 4 * kMaxName;  // each byte may be printed as \xNN since 16
    case 'b':
      return 96;  // BGW_MAXLEN
    case 'u':
    case 'd':
    case 'i':
      return kMaxName;
    default:
      return 128;
  }
}

Result<Prefix> Prefix::Compile(std::string_view log_line_prefix) {
  const auto invalid = [&](std::string_view reason) {
    return Error{ErrorCode::kInvalid, "log_line_prefix '" + ToUtf8(log_line_prefix.substr(0, 200)) +
                                          "': " + std::string(reason)};
  };
  if (log_line_prefix.find('\n') != std::string_view::npos ||
      log_line_prefix.find('\0') != std::string_view::npos) {
    return invalid("a line feed or NUL inside a prefix cannot be read back");
  }
  if (log_line_prefix.size() > kMaxLiteral) return invalid("longer than 1024 bytes");
  Prefix prefix;
  prefix.text_ = log_line_prefix;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) prefix.Add({.literal = std::exchange(literal, {})});
  };
  for (std::size_t i = 0; i < log_line_prefix.size(); ++i) {
    if (log_line_prefix[i] != '%') {
      literal += log_line_prefix[i];
      continue;
    }
    ++i;
    if (i < log_line_prefix.size() && log_line_prefix[i] == '%') {
      literal += '%';
      continue;
    }
    Part part;
    part.pad_right = i < log_line_prefix.size() && log_line_prefix[i] == '-';
    if (part.pad_right) ++i;
    std::size_t width = 0;
    for (; i < log_line_prefix.size() && log_line_prefix[i] >= '0' && log_line_prefix[i] <= '9';
         ++i) {
      width = width * 10 + static_cast<std::size_t>(log_line_prefix[i] - '0');
      if (width > kMaxPadding) return invalid("a padding above 1000");
    }
    if (i >= log_line_prefix.size()) {
      return invalid("it ends inside an escape; write %% for a percent sign");
    }
    end_literal();
    part.escape = log_line_prefix[i];
    part.shape = ShapeOf(part.escape);
    part.width = static_cast<std::uint16_t>(width);
    part.max_size = static_cast<std::uint16_t>(std::max(MaxSizeOf(part.escape), width));
    prefix.Add(std::move(part));
  }
  end_literal();
  if (prefix.parts_.size() > kMaxParts) return invalid("more than 64 parts");
  prefix.first_name_ = prefix.first_raw_ = prefix.parts_.size();
  for (std::size_t i = prefix.parts_.size(); i-- > 0;) {
    const Part& part = prefix.parts_[i];
    if (part.shape == Shape::kName) prefix.first_name_ = i;
    if (part.escape == 'u' || part.escape == 'd') prefix.first_raw_ = i;
    if (part.escape == 'u' && i + 1 < prefix.parts_.size()) {
      prefix.user_at_ |= prefix.parts_[i + 1].literal.starts_with('@');
    }
  }
  std::size_t names = 0;
  for (std::size_t i = prefix.first_raw_; i < prefix.parts_.size(); ++i) {
    const Part& part = prefix.parts_[i];
    names += part.shape == Shape::kLiteral ? part.literal.size() : part.max_size;
    if (part.escape == 'u' || part.escape == 'd') prefix.most_names_ = names;
  }
  prefix.has_names_ = prefix.first_name_ != prefix.parts_.size();
  prefix.ends_in_field_ = !prefix.parts_.empty() && prefix.parts_.back().shape != Shape::kLiteral;
  prefix.repeated_from_ = prefix.RepeatedFrom();
  return prefix;
}

std::optional<std::size_t> Prefix::RepeatedFrom() const {
  const auto changes = [](const Part& part) {
    constexpr std::string_view kChanging = "mtnlxvQ";  // with the line or the transaction
    return part.shape == Shape::kWord || kChanging.find(part.escape) != std::string_view::npos;
  };
  const bool timed = !parts_.empty() && parts_[0].width == 0 &&
                     (parts_[0].escape == 'm' || parts_[0].escape == 't');
  const auto rest = parts_.begin() + (timed ? 1 : 0);
  if (std::any_of(rest, parts_.end(), [&](const Part& part) {
        return part.shape != Shape::kLiteral && changes(part);
      })) {
    return std::nullopt;
  }
  if (!timed) return 0;
  return parts_[0].escape == 'm' ? 23 : 19;
}

void Prefix::Add(Part part) {
  max_head_ += part.shape == Shape::kLiteral ? part.literal.size() : part.max_size;
  parts_.push_back(std::move(part));
}

void Prefix::AllowLineFeeds() {
  for (Part& part : parts_) part.line_feeds |= part.escape == 'a';
}

void Prefix::Store(const Part& part, std::string_view value, Head& head) {
  if (part.width != 0 || part.shape == Shape::kName) {
    if (part.width != 0) {
      while (!part.pad_right && !value.empty() && value.front() == ' ') value.remove_prefix(1);
      while (part.pad_right && !value.empty() && value.back() == ' ') value.remove_suffix(1);
    }
    if (value == "[unknown]") value = {};
  }
  switch (part.escape) {
    case 'm':
    case 't':
    case 'n':
      if (head.time.empty()) head.time = value;
      break;
    case 'p':
      head.pid = value;
      break;
    case 'c':
      head.session = value;
      break;
    case 'u':
      head.user = value;
      break;
    case 'd':
      head.database = value;
      break;
    case 'a':
      head.application = value;
      break;
    case 'e':
      head.sqlstate = value;
      break;
    case 'r':
    case 'h':
      head.remote = value;
      break;
    default:
      break;
  }
}

}  // namespace pgbeacon::log
