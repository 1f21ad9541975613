#include "logparse/records.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kKeptCapacity = 4096;  // of a closed record, so that the next needs no memory

using View = std::string_view Message::*;

// In the order of Records::Field.
constexpr std::array<View, 10> kFieldViews = {
    &Message::time,    &Message::sqlstate, &Message::pid,         &Message::session,
    &Message::user,    &Message::database, &Message::application, &Message::source,
    &Message::process, &Message::color};

// In the order of Part.
constexpr std::array<View, kParts> kPartViews = {
    &Message::text,    &Message::detail,   &Message::hint,      &Message::query,
    &Message::context, &Message::location, &Message::backtrace, &Message::statement};

}  // namespace

Records::Records(std::size_t record_bytes, std::size_t open_bytes, Sink sink)
    : record_bytes_(std::min<std::size_t>(record_bytes, std::size_t{1} << 30)),
      open_bytes_(open_bytes),
      sink_(std::move(sink)) {
  buckets_.fill(kNil);
}

std::uint64_t Records::Hash(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash ^ (hash >> 32);
}

Records::Index Records::Find(std::string_view key, std::uint64_t hash) const {
  Index index = buckets_[hash % kBuckets];
  while (index != kNil && (records_[index].hash != hash || records_[index].key != key)) {
    index = records_[index].next;
  }
  return index;
}

Records::Index Records::Allocate(std::string_view key, std::uint64_t hash) {
  Index index = free_;
  if (index == kNil) {
    index = static_cast<Index>(records_.size());
    records_.emplace_back();
  } else {
    free_ = records_[index].next;
  }
  Record& record = records_[index];
  record.key = key;
  record.hash = hash;
  record.next = buckets_[hash % kBuckets];
  record.older = record.newer = kNil;
  buckets_[hash % kBuckets] = index;
  used_bytes_ += record.bytes.capacity();
  return index;
}

void Records::Release(Index index) {
  Record& record = records_[index];
  Index* link = &buckets_[record.hash % kBuckets];
  while (*link != index) link = &records_[*link].next;
  *link = record.next;
  Unlink(index);
  used_bytes_ -= record.bytes.capacity();
  if (record.bytes.capacity() > kKeptCapacity) record.bytes = std::string();
  record.next = free_;
  free_ = index;
  if (last_ == index) last_ = kNil;
}

void Records::Unlink(Index index) {
  Record& record = records_[index];
  if (record.older != kNil) records_[record.older].newer = record.newer;
  if (record.newer != kNil) records_[record.newer].older = record.older;
  if (oldest_ == index) oldest_ = record.newer;
  if (newest_ == index) newest_ = record.older;
}

// Makes `index` the youngest and closes what has grown too old.
void Records::Touch(Index index) {
  if (newest_ != index) {
    Unlink(index);
    Record& record = records_[index];
    record.older = newest_;
    record.newer = kNil;
    if (newest_ != kNil) records_[newest_].newer = index;
    newest_ = index;
    if (oldest_ == kNil) oldest_ = index;
  }
  last_ = index;
  records_[index].touched = ++clock_;
  while (records_[oldest_].touched + kMaxAge < clock_) Close(oldest_);
}

void Records::Open(std::string_view key, std::string_view line, const Message& message, bool cut) {
  const std::uint64_t hash = Hash(key);
  Index index = Find(key, hash);
  bool goes_on = false;
  if (index == kNil) {
    index = Allocate(key, hash);
  } else {
    goes_on = SameNames(records_[index], message);
    Deliver(records_[index]);
  }
  Record& record = records_[index];
  const std::size_t capacity = record.bytes.capacity();
  const std::string_view whole = line;
  if (line.size() > record_bytes_) {
    line = line.substr(0, record_bytes_);
    cut = true;
  }
  record.bytes.assign(line);
  record.line_size = static_cast<std::uint32_t>(line.size());
  used_bytes_ += record.bytes.capacity() - capacity;
  const auto outside = [&](std::string_view view) {
    const std::less<const char*> before;
    return before(view.data(), whole.data()) || before(whole.data() + whole.size(), view.data());
  };
  record.implied_sqlstate = outside(message.sqlstate) ? message.sqlstate : std::string_view();
  const auto slice = [&](std::string_view view) -> Slice {
    if (view.empty() || outside(view)) return {};
    const auto begin = static_cast<std::uint32_t>(view.data() - line.data());
    return {begin, static_cast<std::uint32_t>(view.size())};
  };
  for (std::size_t i = 0; i < kFields; ++i) record.fields[i] = slice(message.*kFieldViews[i]);
  record.parts.fill({});
  record.parts[0] = slice(message.text);
  record.last = Part::kText;
  record.severity = message.severity;
  record.side = message.side;
  record.labelled = message.labelled;
  record.truncated = record.full = false;
  record.goes_on = goes_on;
  if (cut) {
    Clamp(record);
    Cut(record);
  }
  Touch(index);
  if (used_bytes_ > open_bytes_) Trim(index);
}

bool Records::Join(std::string_view key, Part part, std::string_view text, bool cut) {
  const Index index = Find(key, Hash(key));
  if (index == kNil) return false;
  JoinTo(index, part, text, cut);
  return true;
}

bool Records::JoinLast(Part part, std::string_view text, bool cut) {
  if (last_ == kNil) return false;
  JoinTo(last_, part, text, cut);
  return true;
}

void Records::JoinTo(Index index, Part part, std::string_view text, bool cut) {
  Record& record = records_[index];
  record.last = part;
  const bool empty = record.parts[static_cast<std::size_t>(part)].size == 0;
  Append(index, empty ? "" : "\n", text, cut);
}

bool Records::Continue(std::string_view glue, std::string_view text, bool cut) {
  if (last_ == kNil) return false;
  Append(last_, glue, text, cut);
  return true;
}

bool Records::ContinueOf(std::string_view key, std::string_view glue, std::string_view text,
                         bool cut) {
  const Index index = Find(key, Hash(key));
  if (index == kNil) return false;
  Append(index, glue, text, cut);
  return true;
}

bool Records::IsOpen(std::string_view key) const { return Find(key, Hash(key)) != kNil; }

void Records::MarkCut(std::string_view key) {
  const Index index = Find(key, Hash(key));
  if (index != kNil) Truncate(records_[index]);
}

std::string_view Records::OpeningLine() const {
  if (last_ == kNil) return {};
  const Record& record = records_[last_];
  return record.bytes.size() == record.line_size ? record.bytes : std::string_view();
}

bool Records::SameNames(const Record& record, const Message& message) {
  const std::string_view bytes = record.bytes;
  const auto is = [&](Field field, std::string_view name) {
    const Slice slice = record.fields[field];
    return slice.size == name.size() && bytes.substr(slice.begin, slice.size) == name;
  };
  return !(message.user.empty() && message.database.empty()) && is(kUser, message.user) &&
         is(kDatabase, message.database);
}

bool Records::OpeningGoesOn() const { return last_ != kNil && records_[last_].goes_on; }

void Records::DropLast() {
  if (last_ != kNil) Release(last_);
}

Records::Names Records::NamesOf(std::string_view key) const {
  const Index index = Find(key, Hash(key));
  if (index == kNil) return {};
  const Record& record = records_[index];
  const auto field = [&record](Field name) {
    return std::string_view(record.bytes)
        .substr(record.fields[name].begin, record.fields[name].size);
  };
  return {field(kUser), field(kDatabase), field(kApplication)};
}

void Records::Append(Index index, std::string_view glue, std::string_view text, bool cut) {
  Record& record = records_[index];
  const std::size_t capacity = record.bytes.capacity();
  Slice& slice = record.parts[static_cast<std::size_t>(record.last)];
  // A field that is not at the end of the bytes, where it could grow, is copied there.
  const std::size_t moved = slice.begin + slice.size == record.bytes.size() ? 0 : slice.size;
  if (record.bytes.size() + moved > record_bytes_) record.full = cut = true;
  if (!record.full) {
    if (slice.begin + slice.size != record.bytes.size()) {
      const std::string field = record.bytes.substr(slice.begin, slice.size);
      slice.begin = static_cast<std::uint32_t>(record.bytes.size());
      record.bytes += field;
    }
    const std::size_t room = record_bytes_ - record.bytes.size();
    if (glue.size() + text.size() > room) {
      cut = true;
      glue = glue.substr(0, room);
      text = text.substr(0, room - glue.size());
    }
    record.bytes.append(glue).append(text);
    slice.size += static_cast<std::uint32_t>(glue.size() + text.size());
  }
  if (cut) Cut(record);
  used_bytes_ += record.bytes.capacity() - capacity;
  Touch(index);
  if (used_bytes_ > open_bytes_) Trim(index);
}

// Nothing more goes into `record`.
void Records::Cut(Record& record) {
  record.full = true;
  Truncate(record);
}

void Records::Truncate(Record& record) {
  if (record.truncated) return;
  record.truncated = true;
  ++truncated_;
}

// Delivers untouched records, oldest first, until the budget holds; `keep` alone above the budget
// grows no further.
void Records::Trim(Index keep) {
  while (used_bytes_ > open_bytes_ && oldest_ != keep) Close(oldest_);
  Record& record = records_[keep];
  if (used_bytes_ <= open_bytes_ || record.bytes.size() < open_bytes_) return;
  record.bytes.resize(open_bytes_);
  Clamp(record);
  Cut(record);
}

// Brings all slices inside the bytes after these were cut.
void Records::Clamp(Record& record) {
  const auto clamp = [size = static_cast<std::uint32_t>(record.bytes.size())](Slice& slice) {
    slice.begin = std::min(slice.begin, size);
    slice.size = std::min(slice.size, size - slice.begin);
  };
  std::for_each(record.fields.begin(), record.fields.end(), clamp);
  std::for_each(record.parts.begin(), record.parts.end(), clamp);
}

void Records::Deliver(Record& record) {
  const char* bytes = record.bytes.data();
  const auto view = [bytes](Slice slice) {
    return std::string_view(bytes + slice.begin, slice.size);
  };
  for (std::size_t i = 0; i < kFields; ++i) message_.*kFieldViews[i] = view(record.fields[i]);
  for (std::size_t i = 0; i < kParts; ++i) message_.*kPartViews[i] = view(record.parts[i]);
  if (!record.implied_sqlstate.empty()) message_.sqlstate = record.implied_sqlstate;
  message_.severity = record.severity;
  message_.side = record.side;
  message_.labelled = record.labelled;
  message_.truncated = record.truncated;
  ++delivered_;
  if (!message_.labelled && message_.side == Side::kServer) ++unlabelled_;
  sink_(message_);
}

void Records::Close(Index index) {
  Deliver(records_[index]);
  Release(index);
}

void Records::Flush() {
  while (oldest_ != kNil) Close(oldest_);
  last_ = kNil;
}

}  // namespace pgbeacon::log
