// Labels: the word that begins a line of a record, "LOG:  " or "DETAIL:  ", and the SQLSTATE that
// log_error_verbosity = verbose prints behind it. Labels are known in the languages that
// PostgreSQL's server speaks (logparse/labels.yml), as UTF-8; lc_messages is a setting of the
// session, so one log may mix them.
//
// Example:
//   Label label = ParseLabel("FEHLER:  42P01: ...", LabelForm::kTwoBlanks);
//   // severity kError, size 9
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::log {

/// The fields of a record in the order in which the server prints them.
enum class Part : std::uint8_t {
  kText,
  kDetail,
  kHint,
  kQuery,
  kContext,
  kLocation,
  kBacktrace,
  kStatement
};
inline constexpr std::size_t kParts = 8;

/// How many blanks must follow the colon. The server prints two, or what the language's label has;
/// some transports keep only one. A label at the end of the line needs none.
enum class LabelForm : std::uint8_t { kTwoBlanks, kOneBlank };

struct Label {
  Severity severity = Severity::kNone;  ///< of a primary label
  Part part = Part::kText;              ///< kText: primary
  std::uint8_t size = 0;                ///< with colon and at most two blanks; 0: no label here

  bool found() const { return size != 0; }
  bool primary() const { return size != 0 && part == Part::kText; }
};

/// The label that `text` begins with. Georgian has one word for NOTICE and WARNING: the latter.
Label ParseLabel(std::string_view text, LabelForm form);

/// The severity of a word that the server prints, in any of its languages (csvlog's
/// error_severity); kNone if it is none.
Severity ParsePrintedSeverity(std::string_view word);

/// The first place at or after `from`, before `limit`, where a label in the server's own form, with
/// two blanks, begins; npos: none. With `whole_word` no letter, digit or '_' stands before it.
std::size_t FindLabel(std::string_view line, std::size_t from, std::size_t limit,
                      bool whole_word = true);

/// "42P01: relation ..." has an SQLSTATE of a class that PostgreSQL uses. The five characters, or
/// "".
std::string_view LeadingSqlstate(std::string_view text);

/// Whether `text` is five digits or capital letters.
bool IsSqlstate(std::string_view text);

}  // namespace pgbeacon::log
