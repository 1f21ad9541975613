#include "logparse/events/pattern.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

Error Invalid(std::string message) { return Error(ErrorCode::kInvalid, std::move(message)); }

std::size_t Byte(char c) { return static_cast<unsigned char>(c); }

}  // namespace

// Text -> ops. Literals of adjacent bytes are one op; an optional part is kOptional, its content,
// and the op that `skip` names.
class Pattern::Parser {
 public:
  Parser(std::string_view text, Pattern& pattern) : text_(text), pattern_(pattern) {}

  Status Parse() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\\') {
        if (at_ == text_.size()) return Invalid("ends with a lone '\\'");
        AddByte(text_[at_++]);
      } else if (c == '{') {
        if (Status status = AddHole(); !status.ok()) return status;
      } else if (c == '[') {
        if (open_) return Invalid("an optional part inside of another");
        open_ = pattern_.ops_.size();
        pattern_.ops_.push_back({.kind = Op::Kind::kOptional});
        literal_ = false;
      } else if (c == ']') {
        if (!open_) return Invalid("']' without '[' (write '\\]' for the byte)");
        pattern_.ops_[*open_].skip = pattern_.ops_.size();
        open_.reset();
        literal_ = false;
      } else if (c == '$' && at_ == text_.size()) {
        pattern_.exact_ = true;
      } else if (c == '}') {
        return Invalid("'}' without '{' (write '\\}' for the byte)");
      } else {
        AddByte(c);
      }
    }
    if (open_) return Invalid("'[' without ']' (write '\\[' for the byte)");
    pattern_.ops_.push_back({.kind = Op::Kind::kStop});
    return {};
  }

 private:
  void AddByte(char c) {
    if (!literal_) pattern_.ops_.push_back({.kind = Op::Kind::kLiteral});
    literal_ = true;
    std::string& literal = pattern_.ops_.back().literal;
    if (c == ' ' && !literal.empty() && literal.back() == ' ') return;
    literal.push_back(c);
    if (!open_) ++pattern_.literal_bytes_;
    ++pattern_.all_literal_bytes_;
  }

  Status AddHole() {
    const std::size_t close = text_.find('}', at_);
    if (close == std::string_view::npos)
      return Invalid("'{' without '}' (write '\\{' for the byte)");
    const std::string_view hole = text_.substr(at_, close - at_);
    at_ = close + 1;
    const std::size_t colon = hole.find(':');
    if (colon == std::string_view::npos) {
      return Invalid("bad hole {" + std::string(hole) + "}: expected {name:type}");
    }
    const std::string_view name = hole.substr(0, colon);
    const std::string type_name(hole.substr(colon + 1));
    const FieldType* type = FindFieldType(type_name);
    if (!IsFieldName(name)) {
      return Invalid("bad hole {" + std::string(hole) + "}: a name is of a-z, 0-9 and '_'");
    }
    if (type == nullptr) {
      return Invalid("bad hole {" + std::string(hole) + "}: unknown type '" + type_name +
                     "'; known are " + Join(FieldTypeNames(), ", "));
    }
    const std::string full = std::string(name) + std::string(type->suffix);
    if (std::ranges::find(pattern_.holes_, full, &Hole::name) != pattern_.holes_.end()) {
      return Invalid("two holes are named '" + full + "'");
    }
    pattern_.ops_.push_back({.kind = Op::Kind::kHole,
                             .hole = static_cast<int>(pattern_.holes_.size()),
                             .type = type->kind});
    pattern_.holes_.push_back({full, type});
    literal_ = false;
    return {};
  }

  std::string_view text_;
  Pattern& pattern_;
  std::size_t at_ = 0;
  std::optional<std::size_t> open_;  // the kOptional op of the part that is open
  bool literal_ = false;             // whether the last op takes further literal bytes
};

// What can come next: the bytes it may begin with, and whether the text may end here.
struct Pattern::Follow {
  Bytes first;
  bool may_end = false;
};

Pattern::Follow Pattern::FollowOf(std::size_t op) const {
  Follow follow;
  switch (ops_[op].kind) {
    case Op::Kind::kLiteral:
      follow.first.set(Byte(ops_[op].literal[0]));
      break;
    case Op::Kind::kStop:
      follow.may_end = true;
      break;
    case Op::Kind::kOptional: {
      follow = FollowOf(op + 1);
      const Follow without = FollowOf(ops_[op].skip);
      follow.first |= without.first;
      follow.may_end = follow.may_end || without.may_end;
      break;
    }
    case Op::Kind::kHole:
      switch (ops_[op].type) {
        case HoleKind::kFlag:
          return FollowOf(op + 1);
        case HoleKind::kWord:
        case HoleKind::kText:
          follow.first.set();
          break;
        default:
          for (const char c : std::string_view("-0123456789")) follow.first.set(Byte(c));
      }
  }
  return follow;
}

Status Pattern::CheckHole(std::size_t index) {
  Op& op = ops_[index];
  const std::string name = "hole {" + holes_[static_cast<std::size_t>(op.hole)].name + "}: ";
  const Follow follow = FollowOf(index + 1);
  switch (op.type) {
    case HoleKind::kFlag:
      break;
    case HoleKind::kWord:
      if (follow.first.all()) return Invalid(name + "a word must be followed by literal text");
      op.word = ~follow.first;
      for (const char c : std::string_view(" \t\r\n")) op.word.reset(Byte(c));
      break;
    case HoleKind::kText:
      if (follow.first.all()) return Invalid(name + "a text must be followed by literal text");
      if (follow.may_end && !exact_ && ops_[index + 1].kind != Op::Kind::kStop) {
        return Invalid(name + "a text before optional parts at the end needs a closing '$'");
      }
      op.ends = follow.first;
      if (follow.may_end) {
        for (const char c : std::string_view(" \t\r\n")) op.ends.set(Byte(c));
      }
      break;
    default: {
      std::string_view own = "0123456789";
      if (op.type != HoleKind::kInteger) own = ".0123456789";
      for (const char c : own) {
        if (follow.first.test(Byte(c))) {
          return Invalid(name + "what follows could be part of the number");
        }
      }
    }
  }
  return {};
}

Status Pattern::Check() {
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    if (ops_[i].kind == Op::Kind::kHole) {
      if (Status status = CheckHole(i); !status.ok()) return status;
    }
    if (ops_[i].kind != Op::Kind::kLiteral || ops_[i].literal.back() != ' ') continue;
    const Follow follow = FollowOf(i + 1);
    if (!follow.first.all() && follow.first.test(' ')) {
      return Invalid("blanks on both sides of '[' or ']'");
    }
    // What directly follows a blank, with and without the optional part in between.
    std::size_t next = i + 1;
    for (; ops_[next].kind == Op::Kind::kOptional; next = ops_[next].skip) {
      ops_[next + 1].after_blank = true;
    }
    ops_[next].after_blank = true;
  }
  return {};
}

void Pattern::AddChunks() {
  for (Op& op : ops_) {
    Chunk chunk;
    for (std::size_t i = 0; i < op.literal.size(); ++i) {
      if (op.literal[i] != ' ') {
        ++chunk.size;
        continue;
      }
      chunk.blank = true;
      op.chunks.push_back(chunk);
      chunk = {.offset = static_cast<std::uint32_t>(i + 1)};
    }
    if (chunk.size > 0) op.chunks.push_back(chunk);
  }
}

void Pattern::AddSteps() {
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    const Op& op = ops_[i];
    const bool hole = op.kind == Op::Kind::kHole && op.type != HoleKind::kText;
    if (!hole && op.kind != Op::Kind::kLiteral) return;
    for (std::size_t c = 0; c < (hole ? 1 : op.chunks.size()); ++c) {
      if (steps_count_ == steps_.size()) return;
      Step& step = steps_[steps_count_++];
      step.op = static_cast<std::uint16_t>(i);
      step.chunk = static_cast<std::uint16_t>(c);
      if (hole) continue;
      const Chunk& chunk = op.chunks[c];
      step.literal = true;
      step.blank = chunk.blank;
      step.size = chunk.size;
      const std::size_t size = std::min<std::size_t>(chunk.size, sizeof step.bytes);
      std::memcpy(&step.bytes, op.literal.data() + chunk.offset, size);
      std::memset(&step.mask, 0xff, size);
      if (chunk.size <= sizeof step.tail) continue;
      std::memcpy(&step.tail, op.literal.data() + chunk.offset + chunk.size - sizeof step.tail,
                  sizeof step.tail);
    }
  }
}

Result<Pattern> Pattern::Compile(std::string_view text) {
  Pattern pattern;
  if (Status status = Parser(text, pattern).Parse(); !status.ok()) return status.error();
  if (Status status = pattern.Check(); !status.ok()) return status.error();
  pattern.AddChunks();
  pattern.AddSteps();
  pattern.optional_ = std::ranges::any_of(
      pattern.ops_, [](const Op& op) { return op.kind == Op::Kind::kOptional; });
  return pattern;
}

std::string_view Pattern::lead() const {
  return ops_[0].kind == Op::Kind::kLiteral ? std::string_view(ops_[0].literal)
                                            : std::string_view();
}

std::string Pattern::ToRe2() const {
  std::string out = "(?s)";
  std::vector<std::size_t> ends;
  const auto escape = [](std::string& to, std::size_t byte) {
    constexpr std::string_view kHex = "0123456789abcdef";
    to += "\\x";
    to += kHex[byte >> 4];
    to += kHex[byte & 15];
  };
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    const Op& op = ops_[i];
    for (; !ends.empty() && ends.back() == i; ends.pop_back()) out += ")?";
    if (op.kind == Op::Kind::kLiteral) {
      for (const char c : op.literal) {
        if (c == ' ') {
          out += " +";
        } else {
          escape(out, Byte(c));
        }
      }
    } else if (op.kind == Op::Kind::kOptional) {
      out += "(?:";
      ends.push_back(op.skip);
    } else if (op.kind == Op::Kind::kStop) {
      if (exact_) out += "[ \\t\\r\\n]*\\z";
    } else if (op.type == HoleKind::kInteger) {
      out += "(-?[0-9]+)";
    } else if (op.type == HoleKind::kDecimal) {
      out += "(-?[0-9]+(?:\\.[0-9]+)?)";
    } else if (op.type == HoleKind::kClock) {
      out += "([0-9]+:[0-9][0-9]:[0-9][0-9](?:\\.[0-9]+)?)";
    } else if (op.type == HoleKind::kFlag) {
      out += "()";
    } else if (op.type == HoleKind::kText) {
      out += op.after_blank ? "([^ ]" : "(";
      out += ops_[i + 1].kind == Op::Kind::kStop ? ".*)" : ".*?)";
    } else {
      out += "([";
      for (std::size_t byte = 0; byte < 256; ++byte) {
        if (op.word.test(byte)) escape(out, byte);
      }
      out += "]+)";
    }
  }
  return out;
}

}  // namespace pgbeacon::log
