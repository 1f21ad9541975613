// FileSource: a log source of files, a path or a glob. It finds the files, follows each under its
// identity (device and inode), so that a renamed file is read to its end and the new one at its
// path from its beginning, and hands the assembled messages on.
//
//  - A file that exists at the start begins at SourceOptions::from_begin's place, one that appears
//    later at its beginning.
//  - A file that left the glob (renamed, deleted) is read on until it was quiet for kGrace and
//  either
//    a newer file has data or its last link is gone.
//  - Several forms of one server's log are not counted twice (authority.h).
//  - At most kOpenFiles descriptors and readers are held; quiet files give theirs back and are
//    watched by stat. What rotation compressed (.gz and the like) is left alone.
//
// Used by the ingest thread alone; what touches readers and status() runs inside the guard.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exporter/ingest/authority.h"
#include "exporter/ingest/file_follower.h"
#include "logparse/reader.h"

namespace pgbeacon::ingest {

struct SourceOptions {
  std::string name;                           ///< label `source`
  std::string glob;                           ///< path or glob(7)
  log::FormKind form = log::FormKind::kAuto;  ///< files in another form are left alone
  bool all_forms = false;             ///< the files are no copies of each other or other sources
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: the server's, else detected
  bool from_begin = false;            ///< where files that exist at the start are read from
  std::string server;                 ///< label `server`
};

/// What a source tells of itself.
struct SourceStatus {
  log::ReaderStats stats;
  std::uint64_t lag_bytes = 0;
  double lag_seconds = 0;
  bool catching_up = false;
  std::optional<double> match_ratio;  ///< absent until a prefix was tried
  std::uint64_t duplicates = 0;       ///< messages that a more telling form of the log has as well
};

class FileSource {
 public:
  static constexpr std::size_t kOpenFiles = 16;
  static constexpr std::chrono::milliseconds kGrace{5000};
  static constexpr std::chrono::milliseconds kIdleFlush{1000};
  static constexpr std::chrono::milliseconds kScanPath{200};
  static constexpr std::chrono::milliseconds kScanGlob{1000};

  /// Runs a piece of parsing while nobody else looks at what the sink fills.
  using Guard = std::function<void(const std::function<void()>&)>;

  /// `authority` is the one of options.server.
  FileSource(SourceOptions options, Authority& authority, log::Reader::Sink sink, Guard guard);
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource();

  /// Looks for files when it is time.
  void Look(TimePoint now);

  /// Reads one block of each file whose form has that rank (Authority::RankOf). Whether there may
  /// be more to read at once.
  bool Read(TimePoint now, std::span<char> buffer, int rank);

  /// Ends a round: delivers what nothing came after, publishes status().
  void EndRound(TimePoint now);

  /// Delivers what is still open; for the end of the run.
  void Finish();

  /// The server's own log_line_prefix: wins over detection, not over a configured one.
  void TellPrefix(const std::string& prefix);

  const SourceOptions& options() const { return options_; }
  const SourceStatus& status() const { return status_; }

 private:
  struct Tracked;

  void Scan(TimePoint now);
  std::vector<std::string> Paths() const;
  void See(const std::string& path, const FileInfo& info, TimePoint now);
  void LearnForm(Tracked& tracked, const FileInfo& info);
  bool IsForeign(log::FormKind form) const;
  void OpenPending(TimePoint now);
  bool MakeRoom(TimePoint now);
  bool ReadBlock(Tracked& tracked, std::span<char> buffer, TimePoint now);
  void Sweep(TimePoint now);
  bool MayForget(const Tracked& tracked, TimePoint now) const;
  void CloseReader(Tracked& tracked, bool end_of_input);
  void MakeReader(Tracked& tracked, std::uint64_t offset);
  void Deliver(const Tracked& tracked, const log::Message& message);
  std::string Sample(const Tracked& tracked, std::uint64_t offset) const;
  void CheckPrefix();
  void Publish(TimePoint now);
  void WarnOnce(const std::string& path, const std::string& message);
  log::ReaderStats Totals() const;

  const SourceOptions options_;
  Authority& authority_;
  const log::Reader::Sink sink_;
  const Guard guard_;
  const bool is_glob_;
  std::vector<std::unique_ptr<Tracked>> files_;  // in the order of their discovery
  std::set<FileId> foreign_;                     // files that are not read
  std::set<std::string> warned_;
  bool scanned_ = false;
  TimePoint next_scan_{};
  std::optional<std::string> prefix_;  // configured or told
  log::ReaderStats closed_;            // of readers that are gone
  log::ReaderStats at_prefix_;         // totals when the prefix was told
  bool priming_ = false;               // a reader learns the prefix from lines that do not count
  bool prefix_warned_ = false;
  SourceStatus status_;
};

}  // namespace pgbeacon::ingest
