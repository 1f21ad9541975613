// StdinSource: a log that somebody pipes into pgbeacon (`heroku logs --tail | pgbeacon serve
// --source.file -`).
#pragma once

#include <chrono>
#include <span>
#include <string>

#include "base/clock.h"
#include "exporter/ingest/file_source.h"
#include "exporter/ingest/source_status.h"
#include "logparse/reader.h"

namespace pgbeacon::ingest {

/// Used by the ingest thread alone.
class StdinSource {
 public:
  static constexpr std::chrono::milliseconds kIdleFlush{1000};

  /// `descriptor` is read from and not closed; options.glob is of no account.
  StdinSource(SourceOptions options, int descriptor, log::Reader::Sink sink);

  /// Reads one block if there is one. Whether there may be more to read at once.
  bool Read(TimePoint now, std::span<char> buffer);
  /// Delivers what nothing came after.
  void EndRound(TimePoint now);
  void Finish() { reader_.Flush(true); }
  /// A configured prefix wins over it.
  void TellPrefix(const std::string& prefix);

  const SourceOptions& options() const { return options_; }
  SourceStatus status() const;
  void RestoreStatus(const SourceStatus& status) { before_ = status; }

 private:
  const SourceOptions options_;
  const int descriptor_;
  log::Reader reader_;
  SourceStatus before_;  // what was counted before a restart
  TimePoint last_data_;
  bool ended_ = false;
  bool flushed_ = true;
};

}  // namespace pgbeacon::ingest
