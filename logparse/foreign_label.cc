#include "logparse/foreign_label.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "logparse/data.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kFile = "logparse/labels.yml";
constexpr std::array<std::string_view, kParts> kPartNames = {
    "", "DETAIL", "HINT", "QUERY", "CONTEXT", "LOCATION", "BACKTRACE", "STATEMENT"};

// Labels in one order, found by one byte.
class Index {
 public:
  // `byte_of`: the byte of a label by which it is found.
  template <typename ByteOf>
  Index(std::vector<ForeignLabel> labels, ByteOf byte_of) : labels_(std::move(labels)) {
    std::ranges::stable_sort(labels_, [&](const ForeignLabel& a, const ForeignLabel& b) {
      if (byte_of(a) != byte_of(b)) return byte_of(a) < byte_of(b);
      return a.colon > b.colon;
    });
    for (std::size_t i = labels_.size(); i-- > 0;) {
      begin_[byte_of(labels_[i])] = static_cast<std::uint16_t>(i);
      ++size_[byte_of(labels_[i])];
    }
  }

  std::span<const ForeignLabel> Of(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return std::span(labels_).subspan(begin_[byte], size_[byte]);
  }

 private:
  std::vector<ForeignLabel> labels_;
  std::array<std::uint16_t, 256> begin_{};
  std::array<std::uint16_t, 256> size_{};
};

std::vector<ForeignLabel> Load() {
  YamlErrors errors;
  YamlMap root = ReadYaml(DataFile(kFile), std::string(kFile), errors);
  std::vector<ForeignLabel> out;
  for (YamlMap& map : root.Maps("labels")) {
    ForeignLabel label;
    label.text = map.Require("text");
    label.colon = label.text.rfind(':');
    const std::string meaning = map.Require("is");
    label.severity = ParseSeverity(meaning);
    const auto part = std::ranges::find(kPartNames, meaning);
    if (part != kPartNames.end()) label.part = static_cast<Part>(part - kPartNames.begin());
    if (label.colon == std::string::npos) continue;
    // Of one word for two severities the one that stands later counts.
    const auto same = std::ranges::find(out, label.text, &ForeignLabel::text);
    same == out.end() ? out.push_back(std::move(label)) : void(*same = std::move(label));
  }
  return out;
}

const Index& ByFirstByte() {
  static const Index index(
      Load(), [](const ForeignLabel& label) { return static_cast<unsigned char>(label.text[0]); });
  return index;
}

const Index& ByLastByte() {
  static const Index index(
      [] {
        std::vector<ForeignLabel> labels = Load();
        std::erase_if(labels, [](const ForeignLabel& label) { return label.blanks() != 2; });
        return labels;
      }(),
      [](const ForeignLabel& label) {
        return static_cast<unsigned char>(label.text[label.colon - 1]);
      });
  return index;
}

}  // namespace

Label ParseForeignLabel(std::string_view text, LabelForm form) {
  for (const ForeignLabel& label : ByFirstByte().Of(text[0])) {
    const std::size_t end = label.colon + 1;
    if (!text.starts_with(std::string_view(label.text).substr(0, end))) continue;
    std::size_t blanks = 0;
    while (blanks < label.blanks() && end + blanks < text.size() && text[end + blanks] == ' ') {
      ++blanks;
    }
    const bool at_end = end + blanks == text.size();
    const std::size_t wanted = form == LabelForm::kTwoBlanks ? label.blanks() : 1;
    if (!at_end && blanks < std::min(wanted, label.blanks())) continue;
    return {label.severity, label.part, static_cast<std::uint8_t>(end + blanks)};
  }
  return {};
}

Severity ParseForeignSeverity(std::string_view word) {
  if (word.empty()) return Severity::kNone;
  for (const ForeignLabel& label : ByFirstByte().Of(word[0])) {
    if (label.word() == word) return label.severity;
  }
  return Severity::kNone;
}

std::span<const ForeignLabel> ForeignLabelsThatEnd(std::string_view text) {
  return text.empty() ? std::span<const ForeignLabel>() : ByLastByte().Of(text.back());
}

}  // namespace pgbeacon::log
