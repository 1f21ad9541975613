// FileFollower: reads one file as it grows, whatever name it has meanwhile. It notices that the
// file was truncated or rewritten (copytruncate) and starts over, skips holes, and can give its
// descriptor back while nothing is written.
//
// Which files there are, and what a rename means, is FileSource's business.
//
// Example:
//   FileFollower follower(info, offset, now);
//   if (follower.Open(path).ok()) {
//     FileFollower::Block block = follower.Read(buffer, now);
//     if (block.restarted) reading.Close(true);
//     reading.Push(block.offset, block.bytes);
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "exporter/ingest/file.h"

namespace pgbeacon::ingest {

class FileFollower {
 public:
  /// Follows the file that `info` tells of from `offset` on. Bytes before `backlog_end` were there
  /// before pgbeacon was. An offset in mid-line: the rest of that line is not read.
  FileFollower(const FileInfo& info, std::uint64_t offset, std::uint64_t backlog_end,
               TimePoint now);

  /// Says what the file began with when it was read before.
  void Expect(const Fingerprint& head) { head_ = head; }
  /// Takes up how the file begins now, that it is known again even if it is never opened.
  void TakeHead(const std::string& path);

  /// Opens `path`, which must still be this file, else the Error is kNotFound.
  Status Open(const std::string& path);
  /// Gives the descriptor back; position and identity stay.
  void Close() { file_.reset(); }
  bool open() const { return file_.has_value(); }

  struct Block {
    std::span<char> bytes;     ///< inside the buffer, NUL bytes included
    std::uint64_t offset = 0;  ///< of the bytes in the file
    bool restarted = false;    ///< what comes next is the beginning of other content
    bool progressed = false;   ///< there may be more: read again
    std::uint64_t lost = 0;    ///< bytes that were seen to be there and are gone unread
  };
  /// Reads what is new, one buffer at most.
  Block Read(std::span<char> buffer, TimePoint now);
  /// Goes back to the beginning of a line that was read.
  void GoBack(std::uint64_t offset) { offset_ = offset; }

  /// Whether `info` of the same file tells of something not yet read.
  bool HasNews(const FileInfo& info) const;
  /// Takes `info` over for lag() while the file is closed.
  void Note(const FileInfo& info) { size_ = info.size; }
  std::uint64_t size() const { return size_; }
  const Fingerprint& head() const { return head_; }
  std::int64_t modified_ns() const { return modified_ns_; }

  FileId id() const { return id_; }
  const File* file() const { return file_ ? &*file_ : nullptr; }
  std::uint64_t offset() const { return offset_; }
  std::uint64_t lag() const { return size_ > offset_ ? size_ - offset_ : 0; }
  bool catching_up() const { return offset_ < backlog_end_; }
  std::uint64_t backlog_end() const { return backlog_end_; }
  /// When all that was there had been read for the last time.
  TimePoint caught_up_at() const { return caught_up_at_; }
  bool in_mid_line() const { return in_mid_line_; }

 private:
  Block Restart(std::uint64_t lost);
  bool ConfirmUnchanged(const FileInfo& info);
  std::span<char> SkipLine(std::span<char> block);

  FileId id_;
  std::optional<File> file_;
  Fingerprint head_;
  std::uint64_t offset_;
  std::uint64_t size_;
  std::uint64_t backlog_end_;
  std::int64_t modified_ns_ = 0;
  TimePoint caught_up_at_;
  bool position_checked_;
  bool skip_line_ = false;
  bool in_mid_line_ = false;
};

}  // namespace pgbeacon::ingest
