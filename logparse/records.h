// Records: joins the lines of each session to whole messages and hands them over.
//
// A record is open from its primary line until the next one of the same session, until
// kMaxAge further lines have been taken without one for it, until the budget for all open records
// is used up (the longest untouched goes first), until two calls of Age() have passed, or until
// Flush().
//
// Most records are complete before the block of bytes that they stand in is through, so a record
// borrows its lines: between Lend() and TakeBack() the views of a line inside the lent bytes are
// kept as they are, and only what is still open at TakeBack() is copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/label.h"
#include "logparse/message.h"
#include "logparse/position.h"

namespace pgbeacon::log {

/// Not thread-safe. The sink must not call back into the object that calls it.
class Records {
 public:
  using Sink = std::function<void(const Message&)>;

  /// Lines after which an untouched record counts as complete: the server writes the lines of one
  /// record together, so only few lines of other sessions ever stand between.
  static constexpr std::uint64_t kMaxAge = 512;

  Records(std::size_t record_bytes, std::size_t open_bytes, Sink sink);

  /// Until TakeBack() what the other calls are given may be kept as views where it stands inside
  /// `bytes`. Anything else is copied at once.
  void Lend(std::string_view bytes);
  /// Copies what open records have in the lent bytes: these may go.
  void TakeBack();

  /// Where the line begins in the log that the next calls are about.
  void At(std::uint64_t offset) { at_ = offset; }

  /// Only what `resume` awaits is delivered. Borrowed.
  void DeliverBy(Resume& resume) { resume_ = &resume; }
  /// Takes the records back that `resume` does not await.
  void DropForeign();
  /// Adds where the open records begin.
  void AppendOpen(std::vector<std::uint64_t>& begins) const;

  /// Opens the record of session `key` and delivers the one that was open. All views of `message`
  /// must lie inside `line`, or, the SQLSTATE's, live as long as this. `cut`: the line was longer
  /// than what is given here.
  void Open(std::string_view key, std::string_view line, const Message& message, bool cut);

  /// Adds a field of the server's secondary lines to the open record of `key`; a field that stands
  /// there already gets the text as another line. A LOCATION shows that the log is verbose, so that
  /// the text of the record begins with its SQLSTATE. False: none is open.
  bool Join(std::string_view key, Part part, std::string_view text, bool cut);

  /// The same for the record that the last line went to.
  bool JoinLast(Part part, std::string_view text, bool cut);

  /// Adds `glue` and `text` to the field that the last line went to; false: it is open no more.
  bool Continue(std::string_view glue, std::string_view text, bool cut);

  /// The same for the open record of `key`.
  bool ContinueOf(std::string_view key, std::string_view glue, std::string_view text, bool cut);

  bool IsOpen(std::string_view key) const;

  /// Says that a part of the open record of `key` is missing.
  void MarkCut(std::string_view key);

  /// Whether the session of the last record had the same user and database before; without names,
  /// that it is not a client whose names were about to come.
  bool GoesOn() const { return last_ != nullptr && last_->goes_on; }
  /// Takes the last record, or the open one of `key`, back: it was none.
  void DropLast();
  void Drop(std::string_view key);
  /// Delivers the open record of `key`: nothing more comes for it.
  void Complete(std::string_view key);

  /// Who speaks in the open record of `key`; all empty when none is open. Valid until the next call
  /// of anything that is not const.
  struct Names {
    std::string_view user, database, application;
  };
  Names NamesOf(std::string_view key) const;

  bool HasLast() const { return last_ != nullptr; }

  /// A line came that belongs to no record; none continues the last one any more.
  void ForgetLast() {
    last_ = nullptr;
    ++clock_;
  }

  void Flush();
  /// Delivers what nothing was added to since the call before this one.
  void Age();

  /// Of all open records.
  std::size_t open_bytes() const { return used_bytes_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t unlabelled() const { return unlabelled_; }
  std::uint64_t truncated() const { return truncated_; }

 private:
  static constexpr std::size_t kLeastBuckets = 16, kMostBuckets = 1024;  // powers of two
  struct Record {
    Message message;        // views into the lent bytes, `bytes` or `own`
    std::string_view line;  // that opened it
    std::size_t size = 0;   // bytes of the line and of what was added
    std::uint64_t hash = 0, touched = 0;
    Record* older = nullptr;  // by touch
    Record* newer = nullptr;
    Record* next = nullptr;   // in its bucket or the free list
    Part last = Part::kText;  // the field that the last line went to
    bool full = false, goes_on = false;
    bool copied = false;  // `bytes` or `own` is in use
    std::string key;
    std::string bytes;                    // of the line, unless it is lent
    std::array<std::string, kParts> own;  // of the fields that are neither lent nor in the line
  };

  static std::uint64_t Hash(std::string_view key);
  std::size_t BucketOf(std::uint64_t hash) const { return hash & (buckets_.size() - 1); }
  void Grow();
  Record* Find(std::string_view key, std::uint64_t hash) const;
  Record& Allocate(std::string_view key, std::uint64_t hash);
  void Release(Record& record);
  void Unlink(Record& record);
  void Touch(Record& record);
  bool IsLent(std::string_view bytes) const;
  static void DropCopies(Record& record);
  static void TakeSqlstate(Message& message);
  static void KeepLine(Record& record);
  void Keep(Record& record);
  void CutLine(Record& record, std::size_t size);
  void Deliver(Record& record);
  void Close(Record& record);
  void JoinTo(Record& record, Part part, std::string_view text, bool cut);
  void Append(Record& record, std::string_view glue, std::string_view text, bool cut);
  void Cut(Record& record);
  void Truncate(Record& record);
  void Trim(Record& keep);

  const std::size_t record_bytes_;
  const std::size_t open_bytes_;
  const Sink sink_;
  Resume* resume_ = nullptr;  // null: all is delivered
  std::uint64_t at_ = 0;
  std::deque<Record> records_;  // which stay where they are: views point into their short strings
  std::vector<Record*> buckets_;
  Record* free_ = nullptr;
  Record* oldest_ = nullptr;
  Record* newest_ = nullptr;
  Record* last_ = nullptr;
  std::string_view lent_;
  std::uint64_t lent_from_ = 0;  // clock_ at Lend()
  std::size_t used_bytes_ = 0;   // of all open records
  std::uint64_t clock_ = 0;      // lines taken
  std::uint64_t aged_to_ = 0;    // clock_ at the last Age()
  std::uint64_t delivered_ = 0, unlabelled_ = 0, truncated_ = 0;
};

}  // namespace pgbeacon::log
