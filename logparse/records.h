// Records: joins the lines of each session to whole messages and hands them over.
//
// A record is open from its primary line until the next one of the same session, until
// kMaxAge further lines have been taken without one for it, until the budget for all open records
// is used up (the longest untouched goes first), or until Flush().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/label.h"
#include "logparse/message.h"

namespace pgbeacon::log {

/// Not thread-safe. The sink must not call back into the object that calls it.
class Records {
 public:
  using Sink = std::function<void(const Message&)>;

  /// Lines after which an untouched record counts as complete: the server writes the lines of one
  /// record together, so only few lines of other sessions ever stand between.
  static constexpr std::uint64_t kMaxAge = 512;

  Records(std::size_t record_bytes, std::size_t open_bytes, Sink sink);

  /// Opens the record of session `key` and delivers the one that was open. All views of `message`
  /// must lie inside `line`, or, the SQLSTATE's, live as long as this. `cut`: the line was longer
  /// than what is given here.
  void Open(std::string_view key, std::string_view line, const Message& message, bool cut);

  /// Adds a field of the server's secondary lines to the open record of `key`; a field that stands
  /// there already gets the text as another line. False: none is open.
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

  /// The line that opened the last record, where nothing was added since; "" otherwise. Valid until
  /// the next call of anything that is not const.
  std::string_view OpeningLine() const;
  /// Whether that line's session had the same user and database before, not empty.
  bool OpeningGoesOn() const;
  /// Takes the last record back: it was none.
  void DropLast();

  /// Who speaks in the open record of `key`; all empty when none is open. Valid until the next call
  /// of anything that is not const.
  struct Names {
    std::string_view user, database, application;
  };
  Names NamesOf(std::string_view key) const;

  bool HasLast() const { return last_ != kNil; }

  /// No line continues the last record any more.
  void ForgetLast() { last_ = kNil; }

  void Flush();

  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t unlabelled() const { return unlabelled_; }
  std::uint64_t truncated() const { return truncated_; }

 private:
  using Index = std::int32_t;
  static constexpr Index kNil = -1;
  static constexpr std::size_t kBuckets = 1024;
  enum Field : std::uint8_t {
    kTime,
    kSqlstate,
    kPid,
    kSession,
    kUser,
    kDatabase,
    kApplication,
    kSource,
    kProcess,
    kColor,
    kFields
  };
  struct Slice {
    std::uint32_t begin = 0, size = 0;
  };
  struct Record {
    std::string bytes;  // the line of the primary label, then what was added
    std::string key;
    std::array<Slice, kFields> fields;
    std::array<Slice, kParts> parts;
    std::string_view implied_sqlstate;  // one that does not stand in the line
    std::uint32_t line_size = 0;
    std::uint64_t hash = 0, touched = 0;
    Index older = kNil, newer = kNil, next = kNil;  // by touch; in its bucket or the free list
    Part last = Part::kText;
    Severity severity = Severity::kNone;
    Side side = Side::kServer;
    bool labelled = false, truncated = false, full = false, goes_on = false;
  };

  static std::uint64_t Hash(std::string_view key);
  Index Find(std::string_view key, std::uint64_t hash) const;
  Index Allocate(std::string_view key, std::uint64_t hash);
  void Release(Index index);
  void Unlink(Index index);
  void Touch(Index index);
  static void Clamp(Record& record);
  void Deliver(Record& record);
  void Close(Index index);
  static bool SameNames(const Record& record, const Message& message);
  void JoinTo(Index index, Part part, std::string_view text, bool cut);
  void Append(Index index, std::string_view glue, std::string_view text, bool cut);
  void Cut(Record& record);
  void Truncate(Record& record);
  void Trim(Index keep);

  const std::size_t record_bytes_;
  const std::size_t open_bytes_;
  const Sink sink_;
  std::vector<Record> records_;
  std::array<Index, kBuckets> buckets_;
  Index free_ = kNil, oldest_ = kNil, newest_ = kNil, last_ = kNil;
  std::size_t used_bytes_ = 0;  // capacity of all open records
  std::uint64_t clock_ = 0;     // lines taken
  std::uint64_t delivered_ = 0, unlabelled_ = 0, truncated_ = 0;
  Message message_;  // reused for every delivery
};

}  // namespace pgbeacon::log
