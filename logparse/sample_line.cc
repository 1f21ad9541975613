#include "logparse/sample_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::size_t kNone = std::string_view::npos;
constexpr double kLargest = 9.2e18;  // fits a 64-bit integer
constexpr int kDigits = 5;           // of what is not whole

struct Prefix {
  std::string_view text;
  SampleKind kind;
};
constexpr Prefix kPrefixes[] = {
    {"sample#", SampleKind::kSample},
    {"count#", SampleKind::kCount},
    {"measure#", SampleKind::kMeasure},
    {"measure.", SampleKind::kMeasure},
};

struct Word {
  std::string_view key;
  std::string_view value;
};

/// Takes the next word off the line; false at its end.
bool TakeWord(std::string_view& line, Word& word) {
  const std::size_t start = line.find_first_not_of(kBlanks);
  if (start == kNone) return false;
  line.remove_prefix(start);
  const std::size_t equals = std::min(line.find_first_of(" \t\r\n="), line.size());
  word = {line.substr(0, equals), {}};
  line.remove_prefix(equals);
  if (!line.starts_with('=')) return true;
  line.remove_prefix(1);
  if (!line.starts_with('"')) {
    word.value = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.value.size());
    return true;
  }
  std::size_t end = 1;
  while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
  word.value = line.substr(1, std::min(end, line.size()) - 1);
  line.remove_prefix(std::min(end + 1, line.size()));
  return true;
}

std::optional<SampleField> ToField(const Word& word) {
  for (const Prefix& prefix : kPrefixes) {
    if (word.key.starts_with(prefix.text)) {
      return SampleField{prefix.kind, word.key.substr(prefix.text.size()), word.value};
    }
  }
  return std::nullopt;
}

/// Whether the line begins as records do: with a word of theirs, not with anybody's text.
bool BeginsAsRecord(std::string_view line) {
  Word word;
  if (!TakeWord(line, word)) return false;
  return word.key == "source" || word.key == "addon" || ToField(word);
}

/// "source=web.1 dyno=heroku.2808254.d97d0ea7 ...", said of the dyno itself.
bool IsOfDyno(const Message& message) {
  std::string_view line = message.text;
  Word source;
  Word dyno;
  return TakeWord(line, source) && source.key == "source" && source.value == message.process &&
         !source.value.empty() && TakeWord(line, dyno) && dyno.key == "dyno";
}

std::string OneWord(std::string_view name) {
  std::string word = ToUtf8(name);
  for (char& c : word) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\x7f') c = '-';
  }
  return word;
}

/// At most `decimals` of them, without zeros at the end.
std::string Trimmed(double value, int decimals) {
  char buffer[64];
  const auto result =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals);
  std::string text(buffer, result.ptr);
  if (decimals > 0) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

/// Five digits that tell something, all of them before the point.
std::string Significant(double value) {
  if (value == 0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::fabs(value))));
  return Trimmed(value, std::clamp(kDigits - 1 - magnitude, 0, 12));
}

std::string Show(SamplePrint print, double value) {
  switch (print) {
    case SamplePrint::kWhole:
      return Trimmed(value, 0);
    case SamplePrint::kBytes:
      return Trimmed(value, 0) + "bytes";
    case SamplePrint::kKilobytes:
      return Trimmed(value / 1024, 0) + "kB";
    case SamplePrint::kRatio:
      return Trimmed(value, kDigits);
    case SamplePrint::kNumber:
      return Significant(value);
    case SamplePrint::kNever:
      break;
  }
  return {};
}

}  // namespace

bool IsSampleRecord(const Message& message) {
  if (message.source == "heroku") return IsOfDyno(message);
  // A dyno's name has a number behind a dot, whatever its application calls the process.
  return message.source == "app" && message.process.starts_with("heroku-") &&
         message.process.find('.') == kNone && BeginsAsRecord(message.text);
}

SampleLine ReadSampleLine(std::string_view line) {
  SampleLine read;
  Word word;
  while (TakeWord(line, word)) {
    if (word.key == "source") read.source = word.value;
    if (word.key == "addon") read.addon = word.value;
    if (const std::optional<SampleField> field = ToField(word)) read.fields.push_back(*field);
  }
  return read;
}

std::string WriteSampleLine(const std::vector<SampleSpec>& specs, std::string_view source,
                            std::string_view addon, const std::map<std::string, double>& figures) {
  std::string line = "source=" + OneWord(source) + " addon=" + OneWord(addon);
  for (const SampleSpec& spec : specs) {
    const auto figure = figures.find(spec.metric);
    if (spec.print == SamplePrint::kNever || figure == figures.end()) continue;
    const double value = figure->second / spec.scale;
    if (!(std::fabs(value) < kLargest)) continue;
    line.append(" sample#").append(spec.key).append("=").append(Show(spec.print, value));
  }
  return line;
}

}  // namespace pgbeacon::log
