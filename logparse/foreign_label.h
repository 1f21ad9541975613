// The labels of logparse/labels.yml: those of PostgreSQL's server in other languages than English.
//
// Example:
//   Label label = ParseForeignLabel("ANWEISUNG:  SELECT 1", LabelForm::kTwoBlanks);  // kStatement
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "logparse/label.h"

namespace pgbeacon::log {

/// One label as the server prints it: "ASTUCE :  ".
struct ForeignLabel {
  std::string text;
  std::size_t colon = 0;  ///< where its colon stands
  Severity severity = Severity::kNone;
  Part part = Part::kText;

  std::string_view word() const { return std::string_view(text).substr(0, colon); }
  std::size_t blanks() const { return text.size() - colon - 1; }  ///< after the colon
};

/// The label that `text` begins with; none where it is an English one.
Label ParseForeignLabel(std::string_view text, LabelForm form);

/// The severity of that word without colon; kNone if it is none.
Severity ParseForeignSeverity(std::string_view word);

/// The labels with two blanks whose word has the last byte of `text`, longest first.
std::span<const ForeignLabel> ForeignLabelsThatEnd(std::string_view text);

}  // namespace pgbeacon::log
