#include "logparse/records.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kKeptCapacity = 1024;  // of a text, so that the next needs no memory
constexpr std::size_t kKeptRecords = 4;      // when nothing is open

using View = std::string_view Message::*;

// In the order of Part.
constexpr std::array<View, kParts> kPartViews = {
    &Message::text,    &Message::detail,   &Message::hint,      &Message::query,
    &Message::context, &Message::location, &Message::backtrace, &Message::statement};

constexpr std::array<View, 11> kLineViews = {
    &Message::time,    &Message::sqlstate, &Message::pid,         &Message::session,
    &Message::user,    &Message::database, &Message::application, &Message::source,
    &Message::process, &Message::color,    &Message::text};

bool IsInside(std::string_view view, std::string_view bytes) {
  const std::less_equal<const char*> not_after;
  return not_after(bytes.data(), view.data()) &&
         not_after(view.data() + view.size(), bytes.data() + bytes.size());
}

// Whether a session goes on under its names; without names, whether it is not a client whose names
// were about to come.
bool SameNames(const Message& before, const Message& now) {
  if (before.user != now.user || before.database != now.database) return false;
  if (!now.user.empty() || !now.database.empty()) return true;
  return !before.text.starts_with("connection received: ");
}

// In halves, which the compiler copies in registers: for the whole it takes a string instruction,
// whose start takes longer than the copy.
void Copy(const Message& from, Message& to) {
  static_assert(std::is_trivially_copyable_v<Message> && sizeof(Message) % 16 == 0);
  constexpr std::size_t kHalf = sizeof(Message) / 2;
  std::memcpy(static_cast<void*>(&to), &from, kHalf);
  std::memcpy(reinterpret_cast<char*>(&to) + kHalf, reinterpret_cast<const char*>(&from) + kHalf,
              kHalf);
}

}  // namespace

Records::Records(std::size_t record_bytes, std::size_t open_bytes, Sink sink)
    : record_bytes_(std::min<std::size_t>(record_bytes, std::size_t{1} << 30)),
      open_bytes_(open_bytes),
      sink_(std::move(sink)),
      buckets_(kLeastBuckets) {}

std::uint64_t Records::Hash(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash ^ (hash >> 32);
}

Records::Record* Records::Find(std::string_view key, std::uint64_t hash) const {
  Record* record = buckets_[BucketOf(hash)];
  while (record != nullptr && (record->hash != hash || record->key != key)) record = record->next;
  return record;
}

Records::Record& Records::Allocate(std::string_view key, std::uint64_t hash) {
  if (free_ == nullptr && records_.size() == buckets_.size()) Grow();
  Record& record = free_ != nullptr ? *free_ : records_.emplace_back();
  if (free_ != nullptr) free_ = record.next;
  record.key = key;
  record.hash = hash;
  record.next = std::exchange(buckets_[BucketOf(hash)], &record);
  record.older = record.newer = nullptr;
  return record;
}

void Records::Grow() {
  if (buckets_.size() == kMostBuckets) return;
  buckets_.assign(buckets_.size() * 2, nullptr);
  for (Record* record = newest_; record != nullptr; record = record->older) {
    record->next = std::exchange(buckets_[BucketOf(record->hash)], record);
  }
}

void Records::Release(Record& record) {
  Record** link = &buckets_[BucketOf(record.hash)];
  while (*link != &record) link = &(*link)->next;
  *link = record.next;
  Unlink(record);
  used_bytes_ -= std::exchange(record.size, 0);
  DropCopies(record);
  record.next = std::exchange(free_, &record);
  if (last_ == &record) last_ = nullptr;
}

void Records::Unlink(Record& record) {
  if (record.older != nullptr) record.older->newer = record.newer;
  if (record.newer != nullptr) record.newer->older = record.older;
  if (oldest_ == &record) oldest_ = record.newer;
  if (newest_ == &record) newest_ = record.older;
}

// Empties the texts, whose memory is for the next ones unless it is much.
void Records::DropCopies(Record& record) {
  if (!std::exchange(record.copied, false)) return;
  const auto drop = [](std::string& text) {
    if (text.capacity() > kKeptCapacity) std::string().swap(text);  // assigning keeps it
    text.clear();
  };
  drop(record.bytes);
  for (std::string& text : record.own) drop(text);
}

// Makes `record` the youngest and closes what has grown too old.
void Records::Touch(Record& record) {
  if (newest_ != &record) {
    Unlink(record);
    record.older = newest_;
    record.newer = nullptr;
    if (newest_ != nullptr) newest_->newer = &record;
    newest_ = &record;
    if (oldest_ == nullptr) oldest_ = &record;
  }
  last_ = &record;
  record.touched = ++clock_;
  while (oldest_->touched + kMaxAge < clock_) Close(*oldest_);
}

void Records::Lend(std::string_view bytes) {
  lent_ = bytes;
  lent_from_ = clock_;
}

void Records::TakeBack() {
  for (Record* record = newest_; record != nullptr && record->touched > lent_from_;
       record = record->older) {
    Keep(*record);
  }
  lent_ = {};
}

bool Records::IsLent(std::string_view bytes) const {
  return lent_.data() != nullptr && IsInside(bytes, lent_);
}

// Copies the line.
void Records::KeepLine(Record& record) {
  const std::string_view line = record.line;
  record.copied = true;
  record.bytes.assign(line);
  for (const View name : kLineViews) {
    std::string_view& view = record.message.*name;
    if (!IsInside(view, line)) continue;
    view = {record.bytes.data() + (view.data() - line.data()), view.size()};
  }
  record.line = record.bytes;
}

// Copies what is lent.
void Records::Keep(Record& record) {
  if (IsLent(record.line)) KeepLine(record);
  for (std::size_t i = 0; i < kParts; ++i) {
    std::string_view& view = record.message.*kPartViews[i];
    if (!IsLent(view)) continue;
    record.copied = true;
    view = record.own[i].assign(view);
  }
}

void Records::Open(std::string_view key, std::string_view line, const Message& message, bool cut) {
  const std::uint64_t hash = Hash(key);
  Record* const open = Find(key, hash);
  bool goes_on = false;
  if (open != nullptr) {
    goes_on = SameNames(open->message, message);
    Deliver(*open);
    DropCopies(*open);
  }
  Record& record = open != nullptr ? *open : Allocate(key, hash);
  used_bytes_ += line.size() - record.size;
  Copy(message, record.message);
  record.message.offset = at_;
  record.line = line;
  record.size = line.size();
  record.last = Part::kText;
  record.full = false;
  record.goes_on = goes_on;
  if (line.size() > record_bytes_) {
    CutLine(record, record_bytes_);
    cut = true;
  }
  if (cut) Cut(record);
  if (!IsLent(line)) KeepLine(record);
  Touch(record);
  if (used_bytes_ > open_bytes_) Trim(record);
}

bool Records::Join(std::string_view key, Part part, std::string_view text, bool cut) {
  Record* const record = Find(key, Hash(key));
  if (record == nullptr) return false;
  JoinTo(*record, part, text, cut);
  return true;
}

bool Records::JoinLast(Part part, std::string_view text, bool cut) {
  if (last_ == nullptr) return false;
  JoinTo(*last_, part, text, cut);
  return true;
}

void Records::JoinTo(Record& record, Part part, std::string_view text, bool cut) {
  record.last = part;
  if (part == Part::kLocation) TakeSqlstate(record.message);
  const bool empty = (record.message.*kPartViews[static_cast<std::size_t>(part)]).empty();
  Append(record, empty ? "" : "\n", text, cut);
}

// "42P01: relation ..." without a LOCATION is a text that a client chose.
void Records::TakeSqlstate(Message& message) {
  constexpr std::size_t kSize = 5;
  const std::string_view code = message.text.substr(0, kSize);
  if (!IsSqlstate(code) || message.text.substr(kSize, 2) != ": ") return;
  if (!message.sqlstate.empty() && message.sqlstate != code) return;
  message.sqlstate = code;
  message.text.remove_prefix(kSize + 2);
}

bool Records::Continue(std::string_view glue, std::string_view text, bool cut) {
  if (last_ == nullptr) return false;
  Append(*last_, glue, text, cut);
  return true;
}

bool Records::ContinueOf(std::string_view key, std::string_view glue, std::string_view text,
                         bool cut) {
  Record* const record = Find(key, Hash(key));
  if (record == nullptr) return false;
  Append(*record, glue, text, cut);
  return true;
}

bool Records::IsOpen(std::string_view key) const { return Find(key, Hash(key)) != nullptr; }

void Records::MarkCut(std::string_view key) {
  Record* const record = Find(key, Hash(key));
  if (record != nullptr) Truncate(*record);
}

void Records::DropLast() {
  if (last_ != nullptr) Release(*last_);
}

void Records::Drop(std::string_view key) {
  Record* const record = Find(key, Hash(key));
  if (record != nullptr) Release(*record);
}

void Records::Complete(std::string_view key) {
  Record* const record = Find(key, Hash(key));
  if (record != nullptr) Close(*record);
}

Records::Names Records::NamesOf(std::string_view key) const {
  const Record* const record = Find(key, Hash(key));
  if (record == nullptr) return {};
  const Message& message = record->message;
  return {message.user, message.database, message.application};
}

void Records::Append(Record& record, std::string_view glue, std::string_view text, bool cut) {
  if (!record.full) {
    const std::size_t room = record_bytes_ - record.size;
    if (glue.size() + text.size() > room) {
      cut = true;
      glue = glue.substr(0, room);
      text = text.substr(0, room - glue.size());
    }
    record.size += glue.size() + text.size();
    used_bytes_ += glue.size() + text.size();
    const auto part = static_cast<std::size_t>(record.last);
    std::string_view& field = record.message.*kPartViews[part];
    if (field.empty() && glue.empty() && IsLent(text)) {
      field = text;
    } else {
      record.copied = true;
      std::string& own = record.own[part];
      if (field.data() != own.data()) own.assign(field);
      field = own.append(glue).append(text);
    }
  }
  if (cut) Cut(record);
  Touch(record);
  if (used_bytes_ > open_bytes_) Trim(record);
}

// Nothing more goes into `record`.
void Records::Cut(Record& record) {
  record.full = true;
  Truncate(record);
}

void Records::Truncate(Record& record) {
  if (record.message.truncated) return;
  record.message.truncated = true;
  ++truncated_;
}

// Delivers untouched records, oldest first, until the budget holds; `keep` alone above the budget
// grows no further.
void Records::Trim(Record& keep) {
  while (used_bytes_ > open_bytes_ && oldest_ != &keep) Close(*oldest_);
  if (used_bytes_ <= open_bytes_) return;
  if (keep.size == keep.line.size()) {
    CutLine(keep, open_bytes_);
  } else {  // what was added last made it too long
    std::string_view& field = keep.message.*kPartViews[static_cast<std::size_t>(keep.last)];
    field.remove_suffix(std::min(field.size(), keep.size - open_bytes_));
    used_bytes_ -= keep.size - open_bytes_;
    keep.size = open_bytes_;
  }
  Cut(keep);
}

// Leaves `size` bytes of the line of a record that has nothing else.
void Records::CutLine(Record& record, std::size_t size) {
  const std::string_view line = record.line;
  for (const View name : kLineViews) {
    std::string_view& view = record.message.*name;
    if (!IsInside(view, line)) continue;
    const std::size_t begin = std::min<std::size_t>(view.data() - line.data(), size);
    view = line.substr(begin, std::min(view.size(), size - begin));
  }
  used_bytes_ -= line.size() - size;
  record.size = size;
  record.line = line.substr(0, size);
}

void Records::DropForeign() {
  for (Record* record = oldest_; record != nullptr;) {
    Record* const next = record->newer;
    if (!resume_->Awaits(record->message.offset)) Release(*record);
    record = next;
  }
}

void Records::AppendOpen(std::vector<std::uint64_t>& begins) const {
  for (const Record* record = oldest_; record != nullptr; record = record->newer) {
    const std::uint64_t begin = record->message.offset;
    if (resume_ == nullptr || resume_->Awaits(begin)) begins.push_back(begin);
  }
}

void Records::Deliver(Record& record) {
  if (resume_ != nullptr && !resume_->Take(record.message.offset)) return;
  ++delivered_;
  if (!record.message.labelled && record.message.side == Side::kServer) ++unlabelled_;
  sink_(record.message);
}

void Records::Close(Record& record) {
  Deliver(record);
  Release(record);
}

void Records::Age() {
  while (oldest_ != nullptr && oldest_->touched <= aged_to_) Close(*oldest_);
  aged_to_ = clock_;
}

void Records::Flush() {
  while (oldest_ != nullptr) Close(*oldest_);
  last_ = nullptr;
  if (records_.size() <= kKeptRecords) return;
  free_ = nullptr;  // idle ones cost little memory
  records_.clear();
  buckets_ = std::vector<Record*>(kLeastBuckets);
}

}  // namespace pgbeacon::log
