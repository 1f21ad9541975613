// FormVotes: which form a log has, by what its first lines look like.
//
// Example:
//   FormVotes votes;
//   for (std::string_view line : lines) votes.Add(line);
//   FormChoice choice = votes.Choose();   // stderr when nothing speaks for another
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "logparse/forms/form.h"
#include "logparse/forms/json_line.h"

namespace pgbeacon::log {

/// What stands around each line.
enum class Wrapping : std::uint8_t { kNone, kCri, kJson };

struct FormChoice {
  FormKind form = FormKind::kStderr;  ///< kAuto inside a wrapping
  Wrapping wrapping = Wrapping::kNone;
  std::string envelope;  ///< its name, "" without wrapping

  bool operator==(const FormChoice&) const = default;
};

/// Not thread-safe. A log may begin in the middle of a record, whose lines look like nothing, and
/// the texts in a csvlog can hold whole lines of any form: the shape that a client cannot forge
/// there counts for more.
class FormVotes {
 public:
  /// `wrappings`: whether lines may have one.
  explicit FormVotes(bool wrappings) : wrappings_(wrappings) {}

  /// `cut`: the line goes on behind what is given here.
  void Add(std::string_view line, bool cut = false);

  /// Whether further lines are not needed.
  bool Decided() const;
  FormChoice Choose() const;

 private:
  enum Voice : std::uint8_t { kText, kCsv, kJson, kPgbouncer, kCri, kWrappedJson, kVoices };

  Voice VoiceOf(std::string_view line, bool cut);

  const bool wrappings_;
  std::array<std::size_t, kVoices> votes_{};
  std::size_t silent_ = 0;  // lines that look like nothing, and continue nothing
  std::map<std::string, std::size_t, std::less<>> envelopes_;  // around JSON
  JsonLineReader json_;
};

/// A line of a CRI log ("2026-11-20T20:14:23.488512345Z stderr F text").
struct CriLine {
  std::string_view time;
  std::string_view stream;
  std::string_view text;
  bool partial = false;  ///< the text goes on in the next line of the same stream
};

/// False, and nothing set, when `line` is none.
bool ParseCri(std::string_view line, CriLine& cri);

}  // namespace pgbeacon::log
