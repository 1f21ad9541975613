// Authority: which form of a server's log counts, and through which source a file. PostgreSQL
// writes the same records to stderr, csvlog, jsonlog and syslog at once if log_destination says so;
// only the most telling form that is written to is counted: jsonlog, else csvlog, else text. Logs
// of PgBouncer and of a platform are no copies and always count.
//
// A form whose newest file is older than the server's newest by more than kStale was switched off;
// the next one takes over.
//
// Example:
//   authority.Note(log::FormKind::kJson, info.modified_ns);    // at each look at the files
//   if (authority.Take(reader.form(), true)) sink(message);
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <utility>

#include "exporter/ingest/file.h"
#include "logparse/forms/form.h"

namespace pgbeacon::ingest {

/// Of one server; used by the ingest thread alone.
class Authority {
 public:
  static constexpr std::chrono::minutes kStale{10};
  static constexpr int kRanks = 3;

  /// 2 for jsonlog, 1 for csvlog, 0 for text; -1: no copy of the server's log.
  static int RankOf(log::FormKind form);

  /// A file of this form was last written to at that time (nanoseconds since the Unix epoch).
  void Note(log::FormKind form, std::int64_t modified_ns);

  /// Whether a message in this form counts. `live`: it was written just now, not before pgbeacon
  /// looked; then a form that was switched off is on again.
  bool Take(log::FormKind form, bool live);

  /// Whether less telling forms have been counted so far: a file of this form that appears now
  /// begins with records that have been counted.
  bool Succeeds(log::FormKind form) const { return taken_ >= 0 && RankOf(form) > taken_; }

  /// The rank that counts.
  int rank() const { return rank_; }

  /// The highest rank that was counted, -1 before; also by a process before this one.
  int taken() const { return taken_; }
  void RestoreTaken(int rank) { taken_ = std::clamp(rank, taken_, kRanks - 1); }

  /// Makes the file the source's own unless it is another one's: two sources of a server that name
  /// the same file count it once. Whether it is the source's now.
  bool Claim(const FileId& file, const void* source) {
    return claims_.try_emplace(file, source).first->second == source;
  }
  void Unclaim(const FileId& file) { claims_.erase(file); }

  /// True once.
  bool FirstWarning() { return !std::exchange(warned_, true); }

 private:
  void Judge();

  std::array<std::int64_t, kRanks> newest_ns_{};
  int rank_ = 0;
  int taken_ = -1;  // the highest rank that was counted
  std::map<FileId, const void*> claims_;
  bool warned_ = false;
};

}  // namespace pgbeacon::ingest
