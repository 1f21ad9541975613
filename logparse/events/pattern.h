// Pattern: one wording of an event, compiled. Literal text with typed holes and optional parts:
//   duration: {duration:ms} ms  statement:
//   checkpoint complete: wrote {n:int} buffers[, wrote {slru:int} SLRU buffers]; ...
//
// The message must begin with the text, and end with it where the text ends in `$`. A run of blanks
// in the text stands for one or more blanks. `\` takes the next byte literally.
//
// Matching never backtracks over a number or a word: Compile() refuses texts in which what follows
// such a hole could also be part of it. A text hole tries the places where what follows it may
// start, first to last. Once what follows a later text hole is found nowhere in the rest, no other
// end of an earlier one can help (its rest is shorter), so a match costs at most one pass per
// text hole whatever the message. ToRe2() is the same pattern for RE2, in which tests check all of
// that (catalogue_test.cc, RandomMessages).
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logparse/events/field_type.h"

namespace pgbeacon::log {

class Pattern {
 public:
  /// A hole of the text, in the text's order; its name carries the base unit.
  struct Hole {
    std::string name;
    const FieldType* type = nullptr;
  };

  /// Compiles a text; the error says what is wrong with it.
  static Result<Pattern> Compile(std::string_view text);

  /// Whether the message has this wording. On success captures[i] is what hole i took; its data()
  /// is null where the optional part around it is absent. `captures` has room for all holes.
  bool Match(std::string_view message, std::string_view* captures) const {
    Progress progress;
    return Match(message, captures, progress, 0);
  }

  /// How far an attempt at a message came, so that the next pattern need not match again what it
  /// has in common with this one.
  struct Progress {
    static constexpr std::size_t kMaxSteps = 6;
    std::array<const char*, kMaxSteps> ends;  ///< where each of the first `steps` steps ended
    std::size_t steps = 0;
  };
  /// How many first steps (stretches of literal text up to a blank, numbers, words), at most
  /// Progress::kMaxSteps, two patterns share.
  std::size_t SharedSteps(const Pattern& other) const;

  /// Match() of a message on which a pattern that shares `shared` first steps with this one has
  /// just failed, leaving `progress` and `captures`. Sets them for the next.
  bool Match(std::string_view message, std::string_view* captures, Progress& progress,
             std::size_t shared) const {
    // A step that failed in common fails again.
    if (progress.steps < shared) return false;
    if (shared > 0 && Differs(message, progress.ends[shared - 1], shared)) {
      progress.steps = shared;
      return false;
    }
    return Attempt(message, captures, progress, shared);
  }

  /// The equivalent regular expression, to be matched at the start of a message in Latin-1; its
  /// groups are the holes in order.
  std::string ToRe2() const;

  const std::vector<Hole>& holes() const { return holes_; }
  /// The literal that a message must begin with, blank runs as one blank.
  std::string_view lead() const;
  /// Bytes of literal text outside of optional parts, and with them.
  std::size_t literal_bytes() const { return literal_bytes_; }
  std::size_t all_literal_bytes() const { return all_literal_bytes_; }

 private:
  using Bytes = std::bitset<256>;

  // A stretch of literal text and whether blanks follow it.
  struct Chunk {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    bool blank = false;
  };

  struct Op {
    enum class Kind { kLiteral, kHole, kOptional, kStop };
    Kind kind = Kind::kStop;
    std::string literal;        // kLiteral
    std::vector<Chunk> chunks;  // kLiteral
    int hole = 0;               // kHole
    HoleKind type = HoleKind::kText;
    bool after_blank = false;  // kHole of kText: begins with a byte that is no blank
    Bytes word;                // kHole of kWord: the bytes it takes
    Bytes ends;                // kHole of kText: the bytes that what follows begins with
    std::size_t skip = 0;      // kOptional: where matching goes on without it
  };

  // One of the first steps of ops_, which no message that fits can do without: a chunk of literal
  // text, or a number, word or flag.
  struct Step {
    std::uint64_t bytes = 0;  // what the chunk begins with
    std::uint64_t mask = 0;   // the bytes of `bytes` that count; 0: no chunk
    std::uint64_t tail = 0;   // the last eight bytes of a longer chunk
    std::uint32_t size = 0;   // of the chunk
    bool blank = false;       // blanks follow it
    bool literal = false;
    std::uint16_t op = 0;
    std::uint16_t chunk = 0;
  };

  enum class Outcome { kMatched, kFailed, kExhausted };
  struct Run;
  struct Follow;
  class Parser;

  Pattern() = default;
  void AddSteps();
  bool Attempt(std::string_view message, std::string_view* captures, Progress& progress,
               std::size_t shared) const;

  // Whether the bytes at `at` already tell that step `step` fails there.
  bool Differs(std::string_view message, const char* at, std::size_t step) const {
    if (step >= steps_count_ || message.data() + message.size() - at < 8) return false;
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return (bytes & steps_[step].mask) != steps_[step].bytes;
  }

  void AddChunks();
  Follow FollowOf(std::size_t op) const;
  Status Check();
  Status CheckHole(std::size_t op);

  std::vector<Op> ops_;
  std::array<Step, Progress::kMaxSteps> steps_;
  std::size_t steps_count_ = 0;
  std::vector<Hole> holes_;
  bool exact_ = false;
  bool optional_ = false;  // has optional parts
  std::size_t literal_bytes_ = 0;
  std::size_t all_literal_bytes_ = 0;
};

}  // namespace pgbeacon::log
