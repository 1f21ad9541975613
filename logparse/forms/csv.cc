#include "logparse/forms/csv.h"

#include <algorithm>
#include <utility>

#include "logparse/forms/csv_columns.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kKeptCapacity = std::size_t{1} << 16;
constexpr int kMostTries = 8;  // places in one line where a record might begin

}  // namespace

CsvForm::CsvForm(const ReaderOptions& options, Sink sink)
    : Form(options.from),
      record_bytes_(std::max<std::size_t>(options.record_bytes, 1)),
      sink_(std::move(sink)) {}

void CsvForm::Push(std::string_view bytes) {
  Take(bytes, Advance(bytes));
  Sum();
}

void CsvForm::Flush(bool end_of_input) {
  if (!end_of_input) return;
  if (!partial_.empty() && (broken_ || partial_.back() != '\n')) Take("\n", pushed_to());
  while (!partial_.empty()) {  // quotes are open: the record is cut off, but others may follow it
    const std::string record = std::exchange(partial_, {});
    at_ = partial_at_;
    if (resume_.Crosses(at_)) ForgetLines(counts_);
    const std::size_t bad = Recover(record, scanner_.lines());
    Read(std::string_view(record).substr(bad), at_ + bad);
  }
  glued_ = 0;
  Sum();
}

ReadPosition CsvForm::position() const {
  const std::uint64_t end = ReadTo();
  if (!resume_.crossed() && end <= resume_.end()) return resume_.left();
  return {.end = end};
}

std::uint64_t CsvForm::ReadTo() const {
  if (glued_ > 0) return glued_line_;
  return partial_.empty() ? pushed_to() : partial_at_;
}

void CsvForm::Sum() {
  if (!resume_.crossed()) ForgetLines(counts_);
  stats_ = glued_ > 0 ? counts_before_ : counts_;
  stats_.bytes = BytesTo(ReadTo());
}

/// Goes on with the record that is open, if any, then with whole ones.
void CsvForm::Take(std::string_view bytes, std::uint64_t at) {
  while (!partial_.empty() && !bytes.empty()) {
    const Extent extent = Measure(bytes);
    Keep(bytes.substr(0, extent.size));
    bytes.remove_prefix(extent.size);
    at += extent.size;
    if (!extent.complete) return;
    std::string record = std::exchange(partial_, {});
    const std::size_t used = Settle(record, partial_at_);
    Read(std::string_view(record).substr(used), at - (record.size() - used));
    if (partial_.empty() && record.capacity() <= kKeptCapacity) {
      record.clear();
      partial_ = std::move(record);
    }
  }
  Read(bytes, at);
}

/// Reads bytes that begin with a record.
void CsvForm::Read(std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const Extent extent = Measure(bytes);
    if (!extent.complete) {
      partial_at_ = at;
      Keep(bytes);
      return;
    }
    const std::size_t used = Settle(bytes.substr(0, extent.size), at);
    bytes.remove_prefix(used);
    at += used;
  }
}

/// How far the record that is open goes. One that breaks the grammar goes to the end of its line.
CsvForm::Extent CsvForm::Measure(std::string_view bytes) {
  std::size_t used = 0;
  if (!broken_) {
    const CsvScanner::Stop stop = scanner_.Scan(bytes, used);
    if (stop != CsvScanner::Stop::kBroken) return {used, stop == CsvScanner::Stop::kRecord};
    broken_ = true;
  }
  const std::size_t feed = bytes.find('\n', used);
  return feed == std::string_view::npos ? Extent{bytes.size(), false} : Extent{feed + 1, true};
}

/// Keeps one byte above the limit, which tells that the record is too long.
void CsvForm::Keep(std::string_view bytes) {
  partial_.append(bytes.substr(0, record_bytes_ + 1 - partial_.size()));
}

/// Delivers a complete record or finds out how much of it to drop; tells the bytes done with.
std::size_t CsvForm::Settle(std::string_view record, std::uint64_t at) {
  at_ = at;
  if (resume_.Crosses(at)) ForgetLines(counts_);
  if (broken_) return Recover(record, scanner_.lines() + 1);
  return Deliver(record) ? record.size() : Recover(record, scanner_.lines());
}

/// Whether the scanned record is one; if so it is delivered.
bool CsvForm::Deliver(std::string_view record) {
  const bool blank = scanner_.columns() == 1 && record.size() <= 2;
  if (!blank) {
    const bool cut = record.size() > record_bytes_;
    const CsvColumns columns(record.substr(0, record_bytes_), scanner_, cut);
    if (!columns.Plausible()) return false;
    columns.Fill(message_, unescaped_);
    if (resume_.Take(at_)) {
      ++counts_.messages;
      if (cut) ++counts_.truncated;
      if (!message_.labelled) ++counts_.unlabelled;
      message_.offset = at_;
      sink_(message_);
    }
    if (unescaped_.capacity() > kKeptCapacity) std::string().swap(unescaped_);
  }
  counts_.lines += scanner_.lines();
  glued_ = 0;
  scanner_.Restart();
  return true;
}

/// What was measured is no record. Tells how many of its bytes to drop, up to where the next one
/// may begin: its second line, or where in its first one another record follows it directly.
std::size_t CsvForm::Recover(std::string_view record, std::uint64_t lines) {
  const int tries = std::exchange(glued_, 0);
  if (tries == 0) {
    counts_before_ = counts_;
    glued_line_ = at_;
    ++counts_.unparsed[static_cast<std::size_t>(Unparsed::kBadCsv)];
  }
  broken_ = false;
  scanner_.Restart();
  if (record.size() > record_bytes_) {
    counts_.lines += lines;
    return record.size();
  }
  const std::size_t feed = record.find('\n');
  const std::size_t time = tries == kMostTries ? feed : FindLogTime(record.substr(0, feed));
  if (time < feed) {
    glued_ = tries + 1;
    return time;
  }
  ++counts_.lines;
  return feed + 1;
}

}  // namespace pgbeacon::log
