// Pattern::Match. pattern.h says what is matched and why it costs what it costs.
#include <algorithm>
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

  // Advances `at` over a chunk of a literal, or returns false.
  bool One(const Op& op, const Chunk& chunk, const char*& at) const {
    if (static_cast<std::size_t>(end - at) < chunk.size + (chunk.blank ? 1U : 0U) ||
        std::memcmp(at, op.literal.data() + chunk.offset, chunk.size) != 0) {
      return false;
    }
    at += chunk.size;
    if (!chunk.blank) return true;
    if (*at != ' ') return false;
    while (at != end && *at == ' ') ++at;
    return true;
  }

  // One() of a step, whose first and last eight bytes are compared at once where the message has as
  // many.
  bool Begins(const Step& step, const char*& at) const {
    constexpr std::size_t kAtOnce = sizeof step.bytes;
    const auto left = static_cast<std::size_t>(end - at);
    if (left < kAtOnce || left <= step.size) return One(OpOf(step), ChunkOf(step), at);
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, kAtOnce);
    if ((bytes & step.mask) != step.bytes) return false;
    if (step.size > kAtOnce) {
      std::memcpy(&bytes, at + step.size - kAtOnce, kAtOnce);
      if (bytes != step.tail) return false;
    }
    if (step.size > 2 * kAtOnce &&
        std::memcmp(at + kAtOnce, OpOf(step).literal.data() + ChunkOf(step).offset + kAtOnce,
                    step.size - 2 * kAtOnce) != 0) {
      return false;
    }
    at += step.size;
    if (!step.blank) return true;
    if (*at != ' ') return false;
    while (++at != end && *at == ' ') {
    }
    return true;
  }

  const Op& OpOf(const Step& step) const { return pattern.ops_[step.op]; }
  const Chunk& ChunkOf(const Step& step) const { return OpOf(step).chunks[step.chunk]; }

  // Advances `at` over the literal from a chunk on, or returns false.
  bool Literal(const Op& op, const char*& at, std::size_t chunk = 0) const {
    for (; chunk < op.chunks.size(); ++chunk) {
      if (!One(op, op.chunks[chunk], at)) return false;
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
      } else {
        while (to != end && !op.ends.test(static_cast<unsigned char>(*to))) ++to;
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
  const auto alike = [&](const Step& a, const Step& b) {
    const Op& one = ops_[a.op];
    const Op& two = other.ops_[b.op];
    if (one.kind != two.kind) return false;
    if (one.kind != Op::Kind::kLiteral) return one.type == two.type && one.word == two.word;
    const Chunk& left = one.chunks[a.chunk];
    const Chunk& right = two.chunks[b.chunk];
    return left.blank == right.blank &&
           std::string_view(one.literal).substr(left.offset, left.size) ==
               std::string_view(two.literal).substr(right.offset, right.size);
  };
  const std::size_t most = std::min(steps_count_, other.steps_count_);
  std::size_t steps = 0;
  while (steps < most && alike(steps_[steps], other.steps_[steps])) ++steps;
  return steps;
}

bool Pattern::Attempt(std::string_view message, std::string_view* captures, Progress& progress,
                      std::size_t shared) const {
  if (message.data() == nullptr) message = "";
  const Run run{*this, message.data() + message.size(), captures};
  const char* at = shared == 0 ? message.data() : progress.ends[shared - 1];
  std::size_t step = shared;
  for (; step < steps_count_; ++step) {
    const Step& next = steps_[step];
    if (next.literal ? !run.Begins(next, at) : !run.Simple(ops_[next.op], at)) break;
    progress.ends[step] = at;
  }
  progress.steps = step;
  if (step < steps_count_) return false;
  std::size_t rest = 0;  // the op to go on with
  if (steps_count_ > 0) {
    const Step& last = steps_[steps_count_ - 1];
    if (!run.Literal(ops_[last.op], at, last.chunk + std::size_t{1})) return false;
    rest = last.op + std::size_t{1};
  }
  if (ops_[rest].kind == Op::Kind::kStop && !exact_) return true;
  for (std::size_t i = rest; optional_ && i < ops_.size(); ++i) {
    if (ops_[i].kind == Op::Kind::kHole) captures[ops_[i].hole] = {};
  }
  return run.From(rest, at) == Outcome::kMatched;
}

}  // namespace pgbeacon::log
