#include "exporter/ingest/batch_worker.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "exporter/ingest/reader_stats.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::uint64_t kTailBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kTailLines = 2048;  // a multiple of the reader's patience
constexpr std::uint64_t kCutSearch = std::uint64_t{4} << 20;

Error ReadFailed() { return {ErrorCode::kUnavailable, "the device failed while reading"}; }

/// A hash of all that a message says.
std::size_t HashOf(const log::Message& message) {
  const std::hash<std::string_view> hasher;
  std::size_t hash =
      static_cast<std::size_t>(message.severity) * 31 + static_cast<std::size_t>(message.side);
  for (const std::string_view part :
       {message.time, message.sqlstate, message.pid, message.session, message.user,
        message.database, message.application, message.source, message.process, message.color,
        message.text, message.detail, message.hint, message.query, message.context,
        message.location, message.backtrace, message.statement}) {
    hash = hash * 0x9e3779b97f4a7c15 + hasher(part);
  }
  return hash;
}

/// The first clean head at or after `from`, without a prefix the first line; nothing within
/// kCutSearch bytes.
std::optional<std::uint64_t> FindHead(const File& file, std::uint64_t from,
                                      const log::Prefix* prefix) {
  std::vector<char> buffer(kBatchBlock);
  std::uint64_t offset = from;
  bool whole = false;    // the first piece is the rest of a line
  bool matched = false;  // the line before
  while (offset < from + kCutSearch) {
    const std::size_t got = file.ReadAt(offset, buffer).value_or(0);
    std::string_view rest(buffer.data(), got);
    std::size_t used = 0;
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos;
         end = rest.find('\n', used)) {
      if (whole && prefix == nullptr) return offset + used;
      log::Head head;
      const bool fits = whole && prefix->Match(rest.substr(used, end - used), head);
      if (fits && matched && head.label.primary()) return offset + used;
      matched = fits;
      whole = true;
      used = end + 1;
    }
    if (got < buffer.size()) return std::nullopt;
    if (used == 0) {  // a line longer than the buffer
      used = got;
      whole = matched = false;
    }
    offset += used;
  }
  return std::nullopt;
}

}  // namespace

std::vector<ByteRange> SplitRanges(const File& file, std::uint64_t size, int parts,
                                   const log::Prefix* prefix) {
  std::vector<ByteRange> ranges = {{0, size}};
  for (int part = 1; part < parts; ++part) {
    const std::uint64_t wish = std::max(size / parts * part, ranges.back().begin + 1);
    const std::optional<std::uint64_t> cut = FindHead(file, wish, prefix);
    if (!cut || *cut >= size) break;
    if (*cut == ranges.back().begin) continue;
    ranges.back().end = *cut;
    ranges.push_back({*cut, size});
  }
  return ranges;
}

BatchWorker::BatchWorker(const log::Catalogue& catalogue, const log::TallyOptions& options,
                         const std::string& server, log::ReaderOptions reader)
    : catalogue_(catalogue),
      tally_(catalogue, options),
      server_(tally_.Server(server)),
      reader_options_(std::move(reader)),
      reader_(reader_options_, [this](const log::Message& message) { Take(message); }),
      buffer_(kBatchBlock) {}

Status BatchWorker::ReadStream(Input& input) {
  Status status;
  while (true) {
    const Result<std::size_t> got = input.Read(buffer_);
    if (!got.ok()) status = got.error();
    if (!got.ok() || *got == 0) break;
    Push(reader_, std::span(buffer_).first(*got));
    if (on_bytes_) on_bytes_(*got);
  }
  reader_.Flush(true);
  stats_ = reader_.stats();
  return status;
}

Status BatchWorker::ReadRange(const File& file, ByteRange range, std::uint64_t size) {
  std::uint64_t offset = range.begin;
  Status status;
  while (offset < range.end) {
    const std::size_t want = std::min<std::uint64_t>(buffer_.size(), range.end - offset);
    const std::optional<std::size_t> got = file.ReadAt(offset, std::span(buffer_).first(want));
    if (!got) status = ReadFailed();
    if (got.value_or(0) == 0) break;  // truncated meanwhile
    Push(reader_, std::span(buffer_).first(*got));
    offset += *got;
    if (on_bytes_) on_bytes_(*got);
  }
  if (status.ok() && range.end < size) status = ReadTail(file, range.end, size);
  reader_.Flush(true);
  Add(stats_, reader_.stats());
  return status;
}

/// Completes this range's records from what follows it; see the header.
Status BatchWorker::ReadTail(const File& file, std::uint64_t begin, std::uint64_t size) {
  log::Reader next(reader_options_,
                   [this](const log::Message& message) { ++tail_messages_[HashOf(message)]; });
  const Result<std::uint64_t> end = SurveyTail(file, begin, size, next);
  if (!end.ok()) return end.error();
  Subtract(stats_, next.stats());
  in_tail_ = true;
  for (std::uint64_t offset = begin; offset < *end;) {
    const std::size_t want = std::min<std::uint64_t>(buffer_.size(), *end - offset);
    const std::size_t got = file.ReadAt(offset, std::span(buffer_).first(want)).value_or(0);
    if (got == 0) return ReadFailed();
    Push(reader_, std::span(buffer_).first(got));
    offset += got;
  }
  return {};
}

/// Reads the tail into `reader` and tells where it ends: after a whole line.
Result<std::uint64_t> BatchWorker::SurveyTail(const File& file, std::uint64_t begin,
                                              std::uint64_t size, log::Reader& reader) {
  std::uint64_t offset = begin;
  while (offset < size) {
    const std::size_t want = std::min<std::uint64_t>(buffer_.size(), size - offset);
    std::size_t got = file.ReadAt(offset, std::span(buffer_).first(want)).value_or(0);
    if (got == 0) return ReadFailed();
    const bool enough = offset + got - begin >= kTailBytes && reader.stats().lines >= kTailLines;
    const void* newline = enough ? memrchr(buffer_.data(), '\n', got) : nullptr;
    if (newline != nullptr) {
      got = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1;
    }
    Push(reader, std::span(buffer_).first(got));
    offset += got;
    if (newline != nullptr) break;
  }
  reader.Flush(true);
  return offset;
}

/// NUL bytes, which truncation under a writer leaves behind, are no part of a log.
void BatchWorker::Push(log::Reader& reader, std::span<char> block) {
  char* end = block.data() + block.size();
  if (std::memchr(block.data(), '\0', block.size()) != nullptr) {
    end = std::remove(block.data(), end, '\0');
  }
  reader.Push({block.data(), static_cast<std::size_t>(end - block.data())});
}

void BatchWorker::Take(const log::Message& message) {
  if (in_tail_) {
    const auto next = tail_messages_.find(HashOf(message));
    if (next != tail_messages_.end() && next->second > 0) {
      --next->second;
      return;
    }
  }
  Count(message);
}

void BatchWorker::Count(const log::Message& message) {
  catalogue_.Match(message, event_);
  tally_.Count(server_, message, event_, 0);
  if (!message.time.empty()) {
    if (message.time > last_time_) {
      last_time_ = message.time;
      if (first_time_.empty()) first_time_ = message.time;
    } else if (message.time < first_time_) {
      first_time_ = message.time;
    }
  }
  if (on_message_) on_message_(message, event_);
}

}  // namespace pgbeacon::ingest
