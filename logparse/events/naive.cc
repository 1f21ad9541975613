// MatchNaively: every wording as one RE2, tried in the order in which wordings win. Slow and plain:
// the oracle that tests hold the fast matcher against.
#include <re2/re2.h>

#include "logparse/events/lines.h"
#include "logparse/events/state.h"

namespace pgbeacon::log {

namespace {

bool Matches(const RE2& regex, std::string_view text, Captures& captures) {
  std::array<re2::StringPiece, UserRegex::kMaxGroups + 1> groups;
  if (text.data() == nullptr) text = "";
  const int count = regex.NumberOfCapturingGroups() + 1;
  if (!regex.Match(text, 0, text.size(), RE2::ANCHOR_START, groups.data(), count)) return false;
  for (int group = 1; group < count; ++group) {
    const re2::StringPiece& piece = groups[static_cast<std::size_t>(group)];
    captures[static_cast<std::size_t>(group) - 1] = {piece.data(), piece.size()};
  }
  return true;
}

}  // namespace

struct NaiveMatcher {
  std::vector<std::unique_ptr<RE2>> regexes;  // null where the row has its own expression
  std::vector<std::vector<std::unique_ptr<RE2>>> lines;  // by row
};

Catalogue::State::State() = default;
Catalogue::State::~State() = default;

void Catalogue::MatchNaively(const Message& message, Event& event) const {
  std::call_once(state_->naive_once, [this] {
    state_->naive = std::make_unique<NaiveMatcher>();
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    for (const CompiledWording& wording : state_->wordings) {
      const Pattern* pattern = wording.wording.pattern.get();
      state_->naive->regexes.push_back(
          pattern == nullptr ? nullptr : std::make_unique<RE2>(pattern->ToRe2(), options));
    }
    for (const auto& lines : state_->lines) {
      auto& regexes = state_->naive->lines.emplace_back();
      for (const CompiledWording& line : lines) {
        regexes.push_back(std::make_unique<RE2>(line.wording.pattern->ToRe2(), options));
      }
    }
  });
  event.row = nullptr;
  event.fields.clear();
  for (std::size_t i = 0; i < state_->wordings.size(); ++i) {
    const CompiledWording& wording = state_->wordings[i];
    const unsigned accepts = wording.accepts[static_cast<std::size_t>(message.side)];
    if ((accepts >> static_cast<unsigned>(message.severity) & 1U) == 0) continue;
    const EventRow& row = rows()[static_cast<std::size_t>(wording.wording.row)];
    if (wording.wording.foreign && IsAscii(message.text)) continue;  // saves most of the time
    if (!wording.Accepts(message, row)) continue;
    Captures captures;
    if (const RE2* regex = state_->naive->regexes[i].get()) {
      if (!Matches(*regex, message.text, captures)) continue;
    } else if (!wording.wording.regex->Match(message.text, captures.data())) {
      continue;
    }
    event.row = &row;
    event.fields.assign(row.fields.size(), FieldValue());
    wording.Fill(captures.data(), event);
    const auto& regexes = state_->naive->lines[static_cast<std::size_t>(wording.wording.row)];
    FillLines(state_->lines[static_cast<std::size_t>(wording.wording.row)], message.text, event,
              [&](std::size_t line, std::string_view text, Captures& out) {
                return Matches(*regexes[line], text, out);
              });
    return;
  }
}

}  // namespace pgbeacon::log
