#include "logparse/forms/detect_form.h"

#include <algorithm>

#include "logparse/detect.h"
#include "logparse/forms/csv_columns.h"
#include "logparse/forms/csv_scan.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kEnough = 8;        // votes without dissent
constexpr std::size_t kCsvWeight = 1000;  // lines of text that one of csvlog outweighs
constexpr std::string_view kTimeShape = "0000-00-00 00:00:00";
constexpr std::string_view kIsoShape = "0000-00-00T00:00:00";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasShape(std::string_view text, std::string_view shape) {
  return text.size() >= shape.size() &&
         std::equal(shape.begin(), shape.end(), text.begin(),
                    [](char want, char c) { return want == '0' ? IsDigit(c) : c == want; });
}

// The text up to the next blank, which is taken off `rest` as well.
std::string_view TakeWord(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + 1));
  return word;
}

// Whether `line` begins a record of csvlog; its message may go on in the next line.
bool BeginsCsv(std::string_view line) {
  if (!HasShape(line, kTimeShape)) return false;
  CsvScanner scanner;
  std::size_t used = 0;
  if (scanner.Scan(line, used) == CsvScanner::Stop::kBroken) return false;
  const bool open = scanner.inside_quotes();
  if (!open && scanner.Scan("\n", used) != CsvScanner::Stop::kRecord) return false;
  return CsvColumns(line, scanner, open).Plausible();
}

// "2023-12-19 03:06:37.241 CET [10384] LOG text", before 1.20 without zone and brackets.
bool IsPgbouncer(std::string_view line) {
  if (!HasShape(line, kTimeShape)) return false;
  TakeWord(line);
  TakeWord(line);
  std::string_view word = TakeWord(line);
  if (!word.empty() && !IsDigit(word[0]) && word[0] != '[') word = TakeWord(line);
  if (word.starts_with('[') && word.ends_with(']')) word = word.substr(1, word.size() - 2);
  if (word.empty() || !std::all_of(word.begin(), word.end(), IsDigit)) return false;
  constexpr std::array<std::string_view, 6> kLevels = {"FATAL", "ERROR", "WARNING",
                                                       "LOG",   "DEBUG", "NOISE"};
  return std::find(kLevels.begin(), kLevels.end(), TakeWord(line)) != kLevels.end();
}

}  // namespace

bool ParseCri(std::string_view line, CriLine& cri) {
  if (!HasShape(line, kIsoShape)) return false;
  CriLine found;
  found.time = TakeWord(line);
  found.stream = TakeWord(line);
  const std::string_view tags = TakeWord(line);
  if (found.stream != "stderr" && found.stream != "stdout") return false;
  const std::string_view tag = tags.substr(0, tags.find(':'));
  if (tag != "F" && tag != "P") return false;
  found.partial = tag == "P";
  found.text = line;
  cri = found;
  return true;
}

FormVotes::Voice FormVotes::VoiceOf(std::string_view line, bool cut) {
  CriLine cri;
  if (wrappings_ && ParseCri(line, cri)) return kCri;
  if (line.starts_with('{')) {
    const JsonLine& json = cut ? json_.ReadCut(line) : json_.Read(line, 0);
    const bool known = json.kind != JsonLine::Kind::kBad && json.kind != JsonLine::Kind::kOther;
    if (!known) return kVoices;
    if (json.envelope.empty()) return kJson;
    if (!wrappings_) return kVoices;
    ++envelopes_[std::string(json.envelope)];
    return kWrappedJson;
  }
  if (IsPgbouncer(line)) return kPgbouncer;
  if (BeginsCsv(line)) return kCsv;
  return HasLabel(line) ? kText : kVoices;
}

void FormVotes::Add(std::string_view line, bool cut) {
  const Voice voice = VoiceOf(line, cut);
  if (voice != kVoices) {
    ++votes_[voice];
  } else if (!line.starts_with('\t')) {
    ++silent_;
  }
}

bool FormVotes::Decided() const {
  std::size_t voices = 0;
  std::size_t most = 0;
  for (const std::size_t votes : votes_) {
    if (votes > 0) ++voices;
    most = std::max(most, votes);
  }
  return voices == 1 && most >= std::max(kEnough, silent_);
}

FormChoice FormVotes::Choose() const {
  std::array<std::size_t, kVoices> weights = votes_;
  weights[kCsv] *= kCsvWeight;
  const auto winner = std::max_element(weights.begin(), weights.end());  // among equals text
  switch (static_cast<Voice>(winner - weights.begin())) {
    case kCsv:
      return {FormKind::kCsv};
    case kJson:
      return {FormKind::kJson};
    case kPgbouncer:
      return {FormKind::kPgbouncer};
    case kCri:
      return {FormKind::kAuto, Wrapping::kCri, "cri"};
    case kWrappedJson: {
      const auto name =
          std::max_element(envelopes_.begin(), envelopes_.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      return {FormKind::kAuto, Wrapping::kJson, name->first};
    }
    default:
      return {};
  }
}

}  // namespace pgbeacon::log
