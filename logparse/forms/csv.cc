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
    : record_bytes_(std::max<std::size_t>(options.record_bytes, 1)), sink_(std::move(sink)) {}

void CsvForm::Push(std::string_view bytes) {
  stats_.bytes += bytes.size();
  Take(bytes);
}

void CsvForm::Flush(bool end_of_input) {
  if (!end_of_input) return;
  if (!partial_.empty() && (broken_ || partial_.back() != '\n')) Take("\n");
  while (!partial_.empty()) {  // quotes are open: the record is cut off, but others may follow it
    const std::string record = std::exchange(partial_, {});
    const std::size_t bad = Recover(record, scanner_.lines());
    Read(std::string_view(record).substr(bad));
  }
  glued_ = 0;
}

/// Goes on with the record that is open, if any, then with whole ones.
void CsvForm::Take(std::string_view bytes) {
  while (!partial_.empty() && !bytes.empty()) {
    const Extent extent = Measure(bytes);
    Keep(bytes.substr(0, extent.size));
    bytes.remove_prefix(extent.size);
    if (!extent.complete) return;
    std::string record = std::exchange(partial_, {});
    const std::size_t used = Settle(record);
    Read(std::string_view(record).substr(used));
    if (partial_.empty() && record.capacity() <= kKeptCapacity) {
      record.clear();
      partial_ = std::move(record);
    }
  }
  Read(bytes);
}

/// Reads bytes that begin with a record.
void CsvForm::Read(std::string_view bytes) {
  while (!bytes.empty()) {
    const Extent extent = Measure(bytes);
    if (!extent.complete) {
      Keep(bytes);
      return;
    }
    bytes.remove_prefix(Settle(bytes.substr(0, extent.size)));
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
std::size_t CsvForm::Settle(std::string_view record) {
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
    ++stats_.messages;
    if (cut) ++stats_.truncated;
    if (!message_.labelled) ++stats_.unlabelled;
    sink_(message_);
    if (unescaped_.capacity() > kKeptCapacity) unescaped_ = std::string();
  }
  stats_.lines += scanner_.lines();
  glued_ = 0;
  scanner_.Restart();
  return true;
}

/// What was measured is no record. Tells how many of its bytes to drop, up to where the next one
/// may begin: its second line, or where in its first one another record follows it directly.
std::size_t CsvForm::Recover(std::string_view record, std::uint64_t lines) {
  const int tries = std::exchange(glued_, 0);
  if (tries == 0) ++stats_.unparsed[static_cast<std::size_t>(Unparsed::kBadCsv)];
  broken_ = false;
  scanner_.Restart();
  if (record.size() > record_bytes_) {
    stats_.lines += lines;
    return record.size();
  }
  const std::size_t feed = record.find('\n');
  const std::size_t time = tries == kMostTries ? feed : FindLogTime(record.substr(0, feed));
  if (time < feed) {
    glued_ = tries + 1;
    return time;
  }
  ++stats_.lines;
  return feed + 1;
}

}  // namespace pgbeacon::log
