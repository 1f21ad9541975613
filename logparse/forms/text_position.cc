// How far a log was read. What is held, and a head that may be torn apart, is always the last that
// came: it counts as not read yet, and none of its lines is in the counts. Pieces that came early
// and heads that something carries have lines of others behind them: they are open like records.
//
// When reading goes on at an earlier position, the lines before its end are read again only for
// what is open there. At its end (TryCross) all is as it was: what is not awaited is gone, and
// counting begins.
#include <algorithm>

#include "logparse/forms/text_state.h"

namespace pgbeacon::log {

void TextForm::State::At(std::uint64_t offset) {
  at = offset;
  records.At(offset);
}

// Begins to count if `offset`, up to which all was read, is behind what was counted before. A head
// that waits before it proved to be none at that time.
void TextForm::State::TryCross(std::uint64_t offset) {
  if (resume.crossed() || offset < resume.end() || (mode == Mode::kHold && !replaying)) return;
  while (!name_head.empty()) ReleaseName();
  if (mode == Mode::kHold && !replaying) return;
  resume.Crosses(offset);
  records.DropForeign();
  chunks.DropForeign(resume);
  if (!resume.Awaits(torn.at)) torn.key.clear();
  if (!resume.Awaits(opening.at)) opening.key.clear();
  ForgetCounts();
}

void TextForm::State::ForgetCounts() {
  stats = {};
  truncated_from = records.truncated();
}

void TextForm::State::Sum(std::uint64_t lines_to) {
  TryCross(lines_to);
  if (!resume.crossed()) ForgetCounts();
  stats.messages = records.delivered();
  stats.unlabelled = records.unlabelled();
  stats.truncated = records.truncated() - truncated_from;
}

std::uint64_t TextForm::State::ReadTo(std::uint64_t lines_to) const {
  if (!held.empty()) return held.begin();
  return name_head.empty() ? lines_to : name_at.front();
}

ReadPosition TextForm::State::Position(std::uint64_t lines_to) const {
  ReadPosition position;
  position.end = ReadTo(lines_to);
  if (!resume.crossed() && position.end <= resume.end()) return resume.left();
  std::vector<std::uint64_t>& open = position.open;
  records.AppendOpen(open);
  chunks.AppendOpen(open);
  if (!torn.key.empty()) open.push_back(torn.at);
  std::sort(open.begin(), open.end());
  open.erase(std::unique(open.begin(), open.end()), open.end());
  position.since = marks.Before(position.begin());
  return position;
}

}  // namespace pgbeacon::log
