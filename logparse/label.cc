#include "logparse/label.h"

#include <algorithm>
#include <array>

#include "logparse/foreign_label.h"

namespace pgbeacon::log {
namespace {

struct Word {
  std::string_view text;
  Severity severity;
  Part part;
};

constexpr std::array<Word, 15> kWords = {{
    {"LOG", Severity::kLog, Part::kText},
    {"ERROR", Severity::kError, Part::kText},
    {"STATEMENT", Severity::kNone, Part::kStatement},
    {"DETAIL", Severity::kNone, Part::kDetail},
    {"HINT", Severity::kNone, Part::kHint},
    {"CONTEXT", Severity::kNone, Part::kContext},
    {"LOCATION", Severity::kNone, Part::kLocation},
    {"FATAL", Severity::kFatal, Part::kText},
    {"WARNING", Severity::kWarning, Part::kText},
    {"NOTICE", Severity::kNotice, Part::kText},
    {"DEBUG", Severity::kDebug, Part::kText},
    {"INFO", Severity::kInfo, Part::kText},
    {"PANIC", Severity::kPanic, Part::kText},
    {"QUERY", Severity::kNone, Part::kQuery},
    {"BACKTRACE", Severity::kNone, Part::kBacktrace},
}};
constexpr std::size_t kLongestWord = 40;  // in bytes, of any language

// The classes of PostgreSQL's errcodes.txt, 13 to 18.
constexpr std::string_view kClasses =
    "00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F "
    "40 42 44 53 54 55 57 58 72 F0 HV P0 XX ";

// The words by their first letter: at most two share one.
constexpr std::size_t kLetters = 26;
constexpr std::array<std::array<std::uint8_t, 2>, kLetters> kByLetter = [] {
  std::array<std::array<std::uint8_t, 2>, kLetters> table{};
  for (auto& entry : table) entry = {kWords.size(), kWords.size()};
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    auto& entry = table[static_cast<std::size_t>(kWords[i].text[0] - 'A')];
    entry[entry[0] == kWords.size() ? 0 : 1] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordChar(char c) { return IsUpper(c) || IsDigit(c) || (c >= 'a' && c <= 'z') || c == '_'; }
bool IsForeign(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// Whether blanks follow as behind the colon of a label: two, or what the line still has.
bool BlanksFollow(std::string_view line, std::size_t colon) {
  const std::size_t left = line.size() - colon - 1;
  return (left < 1 || line[colon + 1] == ' ') && (left < 2 || line[colon + 2] == ' ');
}

// Where a word of another language begins that ends right before the colon at `colon`.
std::size_t ForeignBegin(std::string_view window, std::size_t from, std::size_t colon,
                         bool whole_word) {
  for (const ForeignLabel& label : ForeignLabelsThatEnd(window.substr(from, colon - from))) {
    const std::string_view word = label.word();
    if (!window.substr(from, colon - from).ends_with(word)) continue;
    const std::size_t begin = colon - word.size();
    const char before = begin > 0 ? window[begin - 1] : ' ';
    if (whole_word && (IsWordChar(before) || IsForeign(before))) continue;
    if (window.substr(colon).starts_with(":  ")) return begin;
  }
  return std::string_view::npos;
}

}  // namespace

Label ParseLabel(std::string_view text, LabelForm form) {
  if (text.size() < 4) return {};
  if (!IsUpper(text[0])) return IsForeign(text[0]) ? ParseForeignLabel(text, form) : Label();
  if (text.starts_with("LOG:  ")) return {Severity::kLog, Part::kText, 6};  // most lines, by far
  for (const std::uint8_t index : kByLetter[static_cast<std::size_t>(text[0] - 'A')]) {
    if (index == kWords.size()) break;
    const Word& word = kWords[index];
    if (!text.starts_with(word.text)) continue;
    std::size_t end = word.text.size();
    if (word.severity == Severity::kDebug && end < text.size() && text[end] >= '1' &&
        text[end] <= '5') {
      ++end;
    }
    if (end >= text.size() || text[end] != ':') continue;
    std::size_t blanks = 0;
    ++end;
    while (blanks < 2 && end + blanks < text.size() && text[end + blanks] == ' ') ++blanks;
    const bool at_end = end + blanks == text.size();
    if (!at_end && blanks < (form == LabelForm::kTwoBlanks ? 2 : 1)) return {};
    return {word.severity, word.part, static_cast<std::uint8_t>(end + blanks)};
  }
  return ParseForeignLabel(text, form);
}

Severity ParsePrintedSeverity(std::string_view word) {
  const Severity severity = ParseSeverity(word);
  return severity != Severity::kNone ? severity : ParseForeignSeverity(word);
}

std::size_t FindLabel(std::string_view line, std::size_t from, std::size_t limit, bool whole_word) {
  limit = std::min(limit, line.size());
  const std::string_view window = line.substr(0, limit + kLongestWord);
  for (std::size_t colon = from;; ++colon) {
    colon = window.find(':', colon);
    if (colon == std::string_view::npos) break;
    if (!BlanksFollow(line, colon)) continue;
    std::size_t end = colon;
    if (end > from && IsDigit(window[end - 1])) --end;
    if (end == from) continue;
    const char last = window[end - 1];
    for (const Word& word : kWords) {
      if (!IsUpper(last)) break;
      if (!window.substr(from, end - from).ends_with(word.text)) continue;
      const std::size_t begin = end - word.text.size();
      if (whole_word && begin > 0 && IsWordChar(line[begin - 1])) continue;
      if (begin < limit && ParseLabel(line.substr(begin), LabelForm::kTwoBlanks).found()) {
        return begin;
      }
    }
    if (!IsForeign(last) && !IsUpper(last) && last != ' ') continue;
    const std::size_t begin = ForeignBegin(window, from, colon, whole_word);
    if (begin < limit) return begin;
  }
  return std::string_view::npos;
}

bool IsSqlstate(std::string_view text) {
  return text.size() == 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsUpper(c) || IsDigit(c); });
}

std::string_view LeadingSqlstate(std::string_view text) {
  if (text.size() < 7 || text[5] != ':' || text[6] != ' ') return {};
  const std::string_view code = text.substr(0, 5);
  if (!IsSqlstate(code) || std::none_of(code.begin(), code.end(), IsDigit)) return {};
  const std::array<char, 3> wanted = {code[0], code[1], ' '};
  const bool known =
      kClasses.find(std::string_view(wanted.data(), wanted.size())) != std::string_view::npos;
  return known ? code : std::string_view();
}

}  // namespace pgbeacon::log
