#include "exporter/ingest/file_reading.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace pgbeacon::ingest {
namespace {

/// Runs that may be remembered before records are delivered so that they can be forgotten.
constexpr std::size_t kMostRuns = 4096;

}  // namespace

void FileReading::Start(log::ReaderOptions options, log::Reader::Sink sink,
                        std::string_view sample) {
  begin_ = sample.size();
  counts_from_ = begin_ + place_.span;
  options.from.end = counts_from_;
  options.from.since = 0;
  options.from.open = place_.open;
  for (std::uint64_t& open : options.from.open) open += begin_;
  reader_ = std::make_unique<log::Reader>(std::move(options), std::move(sink));
  pushed_ = begin_;
  runs_ = {{begin_, place_.begin}};
  if (sample.empty()) return;
  reader_->Push(sample);
  reader_->Flush(true);
}

void FileReading::Push(std::uint64_t offset, std::span<char> bytes) {
  char* const begin = bytes.data();
  char* const end = begin + bytes.size();
  char* kept = begin;
  for (char* from = begin; from != end;) {
    if (*from == '\0') {
      from = std::find_if(from, end, [](char c) { return c != '\0'; });
      continue;
    }
    const auto left = static_cast<std::size_t>(end - from);
    const void* nul = std::memchr(from, '\0', left);
    const std::size_t size =
        nul == nullptr ? left : static_cast<std::size_t>(static_cast<const char*>(nul) - from);
    AddRun(offset + static_cast<std::uint64_t>(from - begin), size);
    if (kept != from) std::memmove(kept, from, size);
    kept += size;
    from += size;
  }
  reader_->Push({begin, static_cast<std::size_t>(kept - begin)});
  if (runs_.size() > 1) ForgetRuns();
}

log::ReaderStats FileReading::Close(bool end_of_input) {
  if (reader_ == nullptr) return {};
  reader_->Flush(end_of_input);
  place_ = place();
  const log::ReaderStats stats = reader_->stats();
  reader_.reset();
  return stats;
}

ReadPlace FileReading::place() const {
  if (reader_ == nullptr || reads_again()) return place_;
  const log::ReadPosition position = reader_->position();
  const std::uint64_t begin = std::max(position.begin(), begin_);
  ReadPlace place;
  place.begin = InFile(begin);
  place.end = InFile(position.end);
  place.span = position.end - begin;
  for (const std::uint64_t open : position.open) {
    if (open >= begin) place.open.push_back(open - begin);
  }
  return place;
}

void FileReading::AddRun(std::uint64_t offset, std::uint64_t size) {
  const Run& last = runs_.back();
  if (last.offset + (pushed_ - last.pushed) != offset) runs_.push_back({pushed_, offset});
  pushed_ += size;
}

std::uint64_t FileReading::InFile(std::uint64_t pushed) const {
  const auto after = std::ranges::upper_bound(runs_, pushed, {}, &Run::pushed);
  const Run& run = after == runs_.begin() ? *after : *(after - 1);
  return run.offset + (pushed - run.pushed);
}

/// Lets go of the runs before the place where reading would go on. Where records are open for too
/// many of them, they are delivered.
void FileReading::ForgetRuns() {
  if (reads_again()) return;
  if (runs_.size() > kMostRuns) reader_->Flush(false);
  const std::uint64_t begin = std::max(reader_->position().begin(), begin_);
  const auto after = std::ranges::upper_bound(runs_, begin, {}, &Run::pushed);
  if (after - runs_.begin() > 1) runs_.erase(runs_.begin(), after - 1);
}

}  // namespace pgbeacon::ingest
