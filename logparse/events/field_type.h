// The types of holes in a row's text, `{name:type}`: what bytes they take, and the base unit that
// their number is given in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgbeacon::log {

/// What a hole takes from the message.
enum class HoleKind {
  kInteger,  ///< -?[0-9]+
  kDecimal,  ///< -?[0-9]+(.[0-9]+)?
  kClock,    ///< h:mm:ss[.mmm], as PostgreSQL prints a session's length
  kWord,     ///< not blank, up to the byte that follows the hole in the text
  kText,     ///< as little as what follows allows; at the end of the text the rest of the message
  kFlag      ///< nothing: the field is present when the optional part around it is
};

/// One type by its name in the catalogue.
struct FieldType {
  std::string_view name;
  HoleKind kind;
  double multiply;  ///< value in base units = number * multiply / divide, both exact
  double divide;
  std::string_view suffix;  ///< appended to the field's name: its base unit

  bool number() const {
    return kind == HoleKind::kInteger || kind == HoleKind::kDecimal || kind == HoleKind::kClock;
  }
};

/// Whether a field may be called so: a-z, 0-9 and '_', a letter first.
bool IsFieldName(std::string_view name);

/// The type of that name; null if there is none.
const FieldType* FindFieldType(std::string_view name);
std::vector<std::string> FieldTypeNames();

/// The number that a hole of `type` took, in base units. `text` has the form of its kind; a number
/// too long for a double's 53 bits is rounded.
double FieldNumber(const FieldType& type, std::string_view text);

/// The end of what a number or clock hole takes from the start of `text`; 0 if it takes nothing.
std::size_t ScanNumber(HoleKind kind, std::string_view text);

}  // namespace pgbeacon::log
