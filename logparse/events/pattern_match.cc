// Pattern::Match. pattern.h says what is matched and why it costs what it costs.
#include <cstring>

#include "logparse/events/pattern.h"

namespace pgbeacon::log {

// One attempt at one message.
struct Pattern::Run {
  const Pattern& pattern;
  const char* end;
  std::string_view* captures;

  void Capture(const Op& op, const char* from, const char* to) const {
    captures[op.hole] = std::string_view(from, static_cast<std::size_t>(to - from));
  }

  // Advances `at` over the literal, or returns false.
  bool Literal(const Op& op, const char*& at) const {
    for (const Chunk& chunk : op.chunks) {
      if (static_cast<std::size_t>(end - at) < chunk.size + (chunk.blank ? 1U : 0U) ||
          std::memcmp(at, op.literal.data() + chunk.offset, chunk.size) != 0) {
        return false;
      }
      at += chunk.size;
      if (!chunk.blank) continue;
      if (*at != ' ') return false;
      while (at != end && *at == ' ') ++at;
    }
    return true;
  }

  // Numbers, words and flags: what they take is given by where they start.
  bool Simple(const Op& op, const char*& at) const {
    const char* from = at;
    if (op.type == HoleKind::kWord) {
      while (at != end && op.word.test(static_cast<unsigned char>(*at))) ++at;
      if (at == from) return false;
    } else if (op.type != HoleKind::kFlag) {
      const std::size_t size =
          ScanNumber(op.type, std::string_view(at, static_cast<std::size_t>(end - at)));
      if (size == 0) return false;
      at += size;
    }
    Capture(op, from, at);
    return true;
  }

  Outcome Text(std::size_t index, const char* from) const {
    const Op& op = pattern.ops_[index];
    const Op& next = pattern.ops_[index + 1];
    if (op.after_blank && (from == end || *from == ' ')) return Outcome::kFailed;
    if (next.kind == Op::Kind::kStop) {
      Capture(op, from, end);
      return Outcome::kMatched;
    }
    for (const char* to = op.after_blank ? from + 1 : from;; ++to) {
      if (next.kind == Op::Kind::kLiteral) {
        to = FindLiteral(next, to);
        if (to == nullptr) return Outcome::kExhausted;
      }
      const Outcome outcome = From(index + 1, to);
      if (outcome == Outcome::kMatched) Capture(op, from, to);
      if (outcome != Outcome::kFailed || to == end) {
        return outcome == Outcome::kFailed ? Outcome::kExhausted : outcome;
      }
      // What failed at the first blank of a run fails at its others, too.
      while (*to == ' ' && to + 1 != end && to[1] == ' ') ++to;
    }
  }

  const char* Find(const char* from, char byte) const {
    if (from == end) return nullptr;
    return static_cast<const char*>(std::memchr(from, byte, static_cast<std::size_t>(end - from)));
  }

  // The first place from `from` on where the literal may start. Blanks are frequent, so one that
  // begins with a blank is looked for by the byte behind it.
  const char* FindLiteral(const Op& op, const char* from) const {
    if (op.chunks[0].size > 0 || op.chunks.size() == 1) return Find(from, op.literal[0]);
    for (const char* at = from; (at = Find(at, op.literal[1])) != nullptr; ++at) {
      if (at == from || at[-1] != ' ') continue;
      const char* blank = at - 1;
      while (blank != from && blank[-1] == ' ') --blank;
      return blank;
    }
    return nullptr;
  }

  Outcome Optional(std::size_t index, const char* at) const {
    const std::size_t skip = pattern.ops_[index].skip;
    const Outcome with = From(index + 1, at);
    if (with == Outcome::kMatched) return with;
    for (std::size_t i = index + 1; i < skip; ++i) {
      if (pattern.ops_[i].kind == Op::Kind::kHole) captures[pattern.ops_[i].hole] = {};
    }
    const Outcome without = From(skip, at);
    return without == Outcome::kExhausted ? with : without;
  }

  // Matches from op `index` on. kExhausted: nor would any later place in the message do.
  Outcome From(std::size_t index, const char* at) const {
    for (;; ++index) {
      const Op& op = pattern.ops_[index];
      switch (op.kind) {
        case Op::Kind::kLiteral:
          if (!Literal(op, at)) return Outcome::kFailed;
          break;
        case Op::Kind::kHole:
          if (op.type == HoleKind::kText) return Text(index, at);
          if (!Simple(op, at)) return Outcome::kFailed;
          break;
        case Op::Kind::kOptional:
          return Optional(index, at);
        case Op::Kind::kStop:
          return pattern.exact_ && !Blank(at) ? Outcome::kFailed : Outcome::kMatched;
      }
    }
  }

  bool Blank(const char* at) const {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) ++at;
    return at == end;
  }
};

std::size_t Pattern::SharedSteps(const Pattern& other) const {
  const auto alike = [](const Op& a, const Op& b) {
    if (a.kind != b.kind) return false;
    if (a.kind == Op::Kind::kLiteral) return a.literal == b.literal;
    return a.kind == Op::Kind::kHole && a.type != HoleKind::kText && a.type == b.type &&
           a.word == b.word;
  };
  std::size_t steps = 0;
  while (steps < Progress::kMaxSteps && alike(ops_[steps], other.ops_[steps])) ++steps;
  return steps;
}

bool Pattern::Match(std::string_view message, std::string_view* captures, Progress& progress,
                    std::size_t shared) const {
  if (message.data() == nullptr) message = "";
  // A step that failed in common fails again.
  if (progress.steps < shared) return false;
  const Run run{*this, message.data() + message.size(), captures};
  const char* at = shared == 0 ? message.data() : progress.ends[shared - 1];
  std::size_t step = shared;
  for (; step < Progress::kMaxSteps; ++step) {
    const Op& op = ops_[step];
    const bool simple =
        op.kind == Op::Kind::kLiteral || (op.kind == Op::Kind::kHole && op.type != HoleKind::kText);
    if (!simple) break;
    progress.steps = step;
    if (op.kind == Op::Kind::kLiteral ? !run.Literal(op, at) : !run.Simple(op, at)) return false;
    progress.ends[step] = at;
  }
  progress.steps = step;
  for (std::size_t i = step; i < ops_.size(); ++i) {
    if (ops_[i].kind == Op::Kind::kHole) captures[ops_[i].hole] = {};
  }
  return run.From(step, at) == Outcome::kMatched;
}

}  // namespace pgbeacon::log
