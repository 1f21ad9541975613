// Batch: whole logs read once, at full speed, and counted: the engine behind `pgbeacon parse`.
//
// With several threads a plain file is read in byte ranges, each by a reader and into a tally of
// its own; batch_worker.h tells why the sums are exactly those of one pass.
//
// Example:
//   Batch batch(events, {.server = "db1"});
//   const Status read = batch.Read("postgresql.log");   // any number of files, one after the other
//   Families families = batch.tally().Collect(0);
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exporter/ingest/batch_worker.h"
#include "exporter/ingest/file.h"
#include "logparse/events/catalogue.h"
#include "logparse/reader.h"
#include "logparse/tally.h"

namespace pgbeacon::ingest {

struct BatchOptions {
  log::FormKind form = log::FormKind::kAuto;
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: detected, anew for each file
  std::string server;                 ///< label `server`
  int threads = 1;
  std::size_t smallest_range = std::size_t{4} << 20;  ///< no thread for less
  log::TallyOptions tally;
};

/// Borrows the catalogue and the callbacks' surroundings.
class Batch {
 public:
  /// Each message in the order of the log, with what it was recognised as. Makes Read() use one
  /// thread.
  using OnMessage = std::function<void(const log::Message&, const log::Event&)>;
  /// Bytes of the file at hand that were read so far, and its size, 0 where that is unknown.
  using OnProgress = std::function<void(std::uint64_t done, std::uint64_t size)>;

  Batch(const log::Catalogue& catalogue, BatchOptions options);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void set_on_message(OnMessage on_message) { on_message_ = std::move(on_message); }
  /// Called from the thread that calls Read().
  void set_on_progress(OnProgress on_progress) { on_progress_ = std::move(on_progress); }

  /// Reads one file; "-" is stdin. What was read before an Error is counted.
  Status Read(const std::string& path);

  const log::Tally& tally() const { return tally_; }
  const log::ReaderStats& stats() const { return stats_; }
  /// Of the last file, told or detected: form, envelope ("" without one) and prefix.
  log::FormKind form() const { return form_; }
  const std::string& envelope() const { return envelope_; }
  const std::optional<std::string>& prefix() const { return prefix_; }
  /// The earliest and the latest time as the log prints them; empty: none was printed.
  const std::string& first_time() const { return first_time_; }
  const std::string& last_time() const { return last_time_; }

 private:
  Status ReadStream(const std::string& path, std::uint64_t size);
  Status ReadPlain(const std::string& path, const File& file, std::uint64_t size);
  log::ReaderOptions Reader() const;
  std::optional<Status> ReadRanges(const File& file, std::uint64_t size, int parts);
  Status RunAll(std::list<BatchWorker>& workers, const File& file,
                const std::vector<ByteRange>& ranges, std::uint64_t size);
  void Take(const BatchWorker& worker);

  const log::Catalogue& catalogue_;
  const BatchOptions options_;
  OnMessage on_message_;
  OnProgress on_progress_;
  log::Tally tally_;
  log::ReaderStats stats_;
  log::FormKind form_ = log::FormKind::kAuto;
  std::string envelope_;
  std::optional<std::string> prefix_;
  std::string first_time_;
  std::string last_time_;
};

}  // namespace pgbeacon::ingest
