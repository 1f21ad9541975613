#include "logparse/forms/syslog_chunks.h"

#include <iterator>
#include <utility>

namespace pgbeacon::log {

Chunks::Place Chunks::Admit(std::string_view key, int number, std::string_view line, bool cut,
                            std::uint64_t at) {
  if (++clock_ % kMaxAge == 0) Forget();
  auto found = records_.find(key);
  if (found == records_.end()) found = records_.emplace(key, Record()).first;
  Record& record = found->second;
  record.touched = clock_;
  if (number == 1) {
    record.next = 2;
    return Place::kNow;
  }
  if (number == record.next) {
    ++record.next;
    return Place::kNow;
  }
  if (number < record.next) return Place::kLate;
  if (record.waiting.contains(number)) return Place::kLate;
  queue_.push_back({std::string(line), cut, at, clock_, &record});
  record.waiting.emplace(number, std::prev(queue_.end()));
  held_bytes_ += line.size();
  return Place::kHeld;
}

Chunks::Held Chunks::Give(Record& record) {
  const auto first = record.waiting.begin();
  const Queue::iterator piece = first->second;
  Held held{std::move(piece->line), piece->cut, piece->at, first->first != record.next,
            record.next == 1};
  if (!held.orphan) record.next = first->first + 1;
  record.waiting.erase(first);
  queue_.erase(piece);
  held_bytes_ -= held.line.size();
  return held;
}

std::optional<Chunks::Held> Chunks::TakeNext(std::string_view key) {
  if (queue_.empty()) return std::nullopt;
  const auto found = records_.find(key);
  if (found == records_.end() || found->second.waiting.empty()) return std::nullopt;
  Record& record = found->second;
  if (record.waiting.begin()->first > record.next) return std::nullopt;
  return Give(record);
}

std::optional<Chunks::Held> Chunks::TakeOverdue(bool all) {
  if (queue_.empty()) return std::nullopt;
  const bool full = all || queue_.size() > kMostHeld || held_bytes_ > most_bytes_;
  const Piece& oldest = queue_.front();
  if (!full && oldest.since + kWindow > clock_) return std::nullopt;
  return Give(*oldest.record);
}

void Chunks::Complete(std::string_view key) {
  const auto found = records_.find(key);
  if (found != records_.end() && found->second.waiting.empty()) records_.erase(found);
}

void Chunks::AppendOpen(std::vector<std::uint64_t>& begins) const {
  for (const Piece& piece : queue_) begins.push_back(piece.at);
}

void Chunks::DropForeign(const Resume& resume) {
  for (auto piece = queue_.begin(); piece != queue_.end();) {
    if (resume.Awaits(piece->at)) {
      ++piece;
      continue;
    }
    held_bytes_ -= piece->line.size();
    auto& waiting = piece->record->waiting;
    std::erase_if(waiting, [&](const auto& entry) { return entry.second == piece; });
    piece = queue_.erase(piece);
  }
}

void Chunks::Forget() {
  for (auto entry = records_.begin(); entry != records_.end();) {
    const bool old = entry->second.touched + kMaxAge < clock_ && entry->second.waiting.empty();
    entry = old ? records_.erase(entry) : std::next(entry);
  }
}

}  // namespace pgbeacon::log
