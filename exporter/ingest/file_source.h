// FileSource: a log source of files, a path or a glob. It finds the files, follows each under its
// identity (device and inode), so that a renamed file is read to its end and the new one at its
// path from its beginning, and hands the assembled messages on.
//
//  - A file that exists when the source is seen for the first time begins at
//    SourceOptions::from_begin's place, one that appears later at its beginning.
//  - A file that left the glob (renamed, deleted) is read on until it was quiet for kGrace and
//    either a newer file has data or its last link is gone.
//  - Of rotations that followed each other too fast to be looked at one by one, or while pgbeacon
//    was down, the files between are found by their names (file_search.h).
//  - How far each file was read can be saved and restored: then the next process goes on there,
//    with files that were renamed meanwhile too (known_files.h).
//  - Several forms of one server's log are not counted twice (authority.h).
//  - At most kOpenFiles descriptors and readers are held; quiet files give theirs back and are
//    watched by stat. What rotation compressed (.gz and the like) is left alone.
//
// Used by the ingest thread alone.
//
// Example:
//   FileSource source(options, authority, sink);
//   for (const auto& [key, value] : rows) source.Restore(key, value);
//   source.Look(now);
//   while (source.Read(now, buffer, rank)) {}
//   source.EndRound(now);
//   source.SavePositions(changed);    // together with what the sink counted
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "exporter/ingest/authority.h"
#include "exporter/ingest/known_files.h"
#include "exporter/ingest/source_status.h"
#include "exporter/ingest/tracked_file.h"
#include "logparse/reader.h"
#include "logparse/tally.h"

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

class FileSource {
 public:
  static constexpr std::size_t kOpenFiles = 16;
  static constexpr std::chrono::milliseconds kGrace{5000};
  static constexpr std::chrono::milliseconds kIdleFlush{1000};
  /// Once what was written before the start is read, it stays history for so long, that every
  /// scrape which shows its counts says so.
  static constexpr std::chrono::minutes kHistory{2};
  static constexpr std::chrono::milliseconds kScanPath{200};
  static constexpr std::chrono::milliseconds kScanGlob{1000};

  /// Takes each message that counts. Of kBefore is what the files held at the start.
  using Sink = std::function<void(const log::Message& message, log::Written written)>;

  /// A row of the state: the source it is below, its key, its value; no value: it is removed.
  struct PositionRow {
    std::string source;
    std::string key;
    std::optional<std::string> value;
  };

  /// `authority` is the one of options.server.
  FileSource(SourceOptions options, Authority& authority, Sink sink);
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource();

  /// Before the first Look(): takes a row that SavePositions() gave. False: it is none.
  bool Restore(const std::string& key, const std::string& value);
  /// The same for a row of a source that is configured no more: if the file is one of this source
  /// by its path, it takes the row over. Those of one source in the order of their keys.
  bool Adopt(const std::string& source, const std::string& key, const std::string& value);
  /// Before the first Look(): counts go on from there.
  void RestoreStatus(const SourceStatus& status);

  /// Appends the rows that differ from those saved or restored before. They say how far the files
  /// were read for what the sink was given up to now; between rounds. Reads no file.
  void SavePositions(std::vector<PositionRow>& changed);

  /// Looks for files when it is time.
  void Look(TimePoint now);

  /// Reads one block of each file whose form has that rank (Authority::RankOf). Whether there may
  /// be more to read at once.
  bool Read(TimePoint now, std::span<char> buffer, int rank);

  /// Ends a round: delivers what nothing came after, publishes status().
  void EndRound(TimePoint now);

  /// Delivers what is still open; for the end of a run whose positions are not kept. Where they
  /// are, the next process completes what is open.
  void Finish();

  /// The server's own log_line_prefix: wins over detection, not over a configured one.
  void TellPrefix(const std::string& prefix);

  const SourceOptions& options() const { return options_; }
  const SourceStatus& status() const { return status_; }

 private:
  // Finding files.
  void Scan(TimePoint now);
  std::vector<std::string> Paths() const;
  void See(const std::string& path, const FileInfo& info, TimePoint now);
  void Begin(const std::string& path, const FileInfo& info, TimePoint now);
  void LearnForm(TrackedFile& tracked, const FileInfo& info);
  bool IsForeign(const std::string& path, const FileInfo& info, log::FormKind form);
  void OpenPending(TimePoint now);
  bool MakeRoom(TimePoint now);
  void Sweep(TimePoint now);
  bool MayForget(const TrackedFile& tracked, TimePoint now) const;
  void Forget(TrackedFile& tracked);

  // Files known from before (file_source_positions.cc).
  bool RestoreNumber(const std::string& key, const std::string& value);
  bool Claim(const std::string& path, const FileId& id);
  void NoteHistory(std::uint64_t offset, const FileInfo& info, TimePoint now);
  void Resume(FilePosition position, const std::string& path, const FileInfo& info, TimePoint now);
  void FindKnown(TimePoint now);
  void FindMissed(TimePoint now);
  void NoRotationsYet(const std::string& path);
  bool Replaces(const std::string& path) const;
  bool HasRead(const std::string& path, const FileInfo& info) const;
  FilePosition PositionOf(const TrackedFile& tracked) const;
  void Save(const std::string& key, std::optional<std::string> value);
  void CountLost(const std::string& path, std::uint64_t bytes, const char* what);

  // Reading.
  bool ReadBlock(TrackedFile& tracked, std::span<char> buffer, TimePoint now);
  void CloseReader(TrackedFile& tracked, bool end_of_input);
  void StartReader(TrackedFile& tracked);
  void Deliver(const TrackedFile& tracked, const log::Message& message);
  std::string Sample(const TrackedFile& tracked, std::uint64_t offset) const;

  // Telling (file_source_status.cc).
  void CheckPrefix();
  void Publish(TimePoint now);
  void WarnOnce(const std::string& path, const std::string& message);
  log::ReaderStats Totals() const;

  const SourceOptions options_;
  Authority& authority_;
  const Sink sink_;
  const bool is_glob_;
  std::vector<std::unique_ptr<TrackedFile>> files_;  // in the order of their discovery
  std::set<FileId> foreign_;                         // files that are not read
  std::set<std::string> warned_;
  bool scanned_ = false;
  TimePoint next_scan_{};
  std::vector<std::string> replaced_;  // real paths that the scan that runs found another file at
  std::vector<Fingerprint> overwritten_;      // heads of files that it found rewritten
  std::int64_t rotations_since_ = 0;          // rotated files last written before are none of ours
  bool seen_before_ = false;                  // by a process before this one
  KnownFiles known_;                          // read before and not in files_
  std::map<std::string, std::string> saved_;  // rows as they are in the state
  std::map<std::string, std::optional<std::string>> changed_;  // since they were asked for
  std::vector<PositionRow> adopted_;                           // rows to be removed where they were
  bool saves_ = false;                                         // there is a state to keep rows for
  std::optional<std::string> prefix_;                          // configured or told
  log::ReaderStats closed_;                                    // of readers that are gone
  log::ReaderStats at_prefix_;                                 // totals when the prefix was told
  bool prefix_warned_ = false;
  TimePoint history_until_{};
  SourceStatus status_;
};

}  // namespace pgbeacon::ingest
