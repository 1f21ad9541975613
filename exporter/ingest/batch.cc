#include "exporter/ingest/batch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "exporter/ingest/batch_worker.h"
#include "exporter/ingest/reader_stats.h"
#include "exporter/ingest/sample.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::chrono::milliseconds kProgressEvery{100};

bool IsGzip(const File& file) {
  std::array<char, 2> magic = {};
  return file.ReadAt(0, magic) == 2u && magic[0] == '\x1f' && magic[1] == '\x8b';
}

Status Named(const std::string& path, const Status& status) {
  if (status.ok()) return status;
  return Error(status.error().code, path + ": " + status.error().message);
}

}  // namespace

Batch::Batch(const log::Catalogue& catalogue, BatchOptions options)
    : catalogue_(catalogue), options_(std::move(options)), tally_(catalogue, options_.tally) {
  tally_.Server(options_.server);
}

Status Batch::Read(const std::string& path) {
  if (path != "-") {
    const Result<FileInfo> info = StatPath(path);
    if (!info.ok()) return info.error();
    if (info->regular) {
      const Result<File> file = File::Open(path);
      if (!file.ok()) return file.error();
      if (!IsGzip(*file) && !path.ends_with(".gz")) return ReadPlain(path, *file, info->size);
    }
    return ReadStream(path, info->regular ? info->size : 0);
  }
  return ReadStream(path, 0);
}

Status Batch::ReadStream(const std::string& path, std::uint64_t size) {
  Result<Input> input = Input::Open(path);
  if (!input.ok()) return input.error();
  BatchWorker worker(catalogue_, options_.tally, options_.server, Reader());
  worker.set_on_message(on_message_);
  worker.set_on_bytes([&](std::uint64_t) {
    if (on_progress_) on_progress_(input->consumed(), size);
  });
  Status status = worker.ReadStream(*input);
  Take(worker);
  return status;
}

Status Batch::ReadPlain(const std::string& path, const File& file, std::uint64_t size) {
  const auto parts = static_cast<int>(
      std::min<std::uint64_t>(on_message_ ? 1 : options_.threads,
                              size / std::max<std::size_t>(options_.smallest_range, 1)));
  if (parts > 1) {
    const std::optional<Status> status = ReadRanges(file, size, parts);
    if (status) return Named(path, *status);
  }
  BatchWorker worker(catalogue_, options_.tally, options_.server, Reader());
  std::uint64_t done = 0;
  worker.set_on_message(on_message_);
  worker.set_on_bytes([&](std::uint64_t bytes) {
    done += bytes;
    if (on_progress_) on_progress_(done, size);
  });
  const Status status = worker.ReadRange(file, {0, size}, size);
  Take(worker);
  return Named(path, status);
}

log::ReaderOptions Batch::Reader() const {
  log::ReaderOptions reader;
  reader.form = options_.form;
  reader.prefix = options_.prefix;
  return reader;
}

/// Reads with several threads. Nothing when the log has no lines to cut it by (a csvlog's records
/// may hold lines that look like records), or a prefix that changes on the way: then only one pass
/// tells.
std::optional<Status> Batch::ReadRanges(const File& file, std::uint64_t size, int parts) {
  log::ReaderOptions reader = Reader();
  const FileSample sample = SampleFile(file, size);
  const log::FormKind form = reader.form == log::FormKind::kAuto ? sample.form : reader.form;
  if (form == log::FormKind::kCsv) return std::nullopt;
  const bool records_are_lines = form == log::FormKind::kJson && !sample.enveloped;
  if (records_are_lines) reader.form = form;
  if (!reader.prefix) reader.prefix = sample.prefix;
  std::optional<log::Prefix> prefix;
  if (!records_are_lines) {
    if (!reader.prefix) return std::nullopt;
    Result<log::Prefix> compiled = log::Prefix::Compile(*reader.prefix);
    if (!compiled.ok()) return std::nullopt;
    prefix = *std::move(compiled);
  }
  const std::vector<ByteRange> ranges = SplitRanges(file, size, parts, prefix ? &*prefix : nullptr);
  if (ranges.size() == 1) return std::nullopt;
  std::list<BatchWorker> workers;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    workers.emplace_back(catalogue_, options_.tally, options_.server, reader);
  }
  Status status = RunAll(workers, file, ranges, size);
  log::ReaderStats stats;
  for (const BatchWorker& worker : workers) Add(stats, worker.stats());
  const bool settled = stats.prefix_matched * 100 >= stats.prefix_tried * 99;
  if (!options_.prefix && !settled) return std::nullopt;
  for (const BatchWorker& worker : workers) Take(worker);
  return status;
}

/// A thread per range; this one tells the progress.
Status Batch::RunAll(std::list<BatchWorker>& workers, const File& file,
                     const std::vector<ByteRange>& ranges, std::uint64_t size) {
  std::atomic<std::uint64_t> done{0};
  std::vector<Status> statuses(ranges.size());
  Mutex mutex;
  std::condition_variable_any ended;
  std::size_t running = ranges.size();
  std::vector<std::thread> threads;
  auto worker = workers.begin();
  for (std::size_t i = 0; i < ranges.size(); ++i, ++worker) {
    worker->set_on_bytes([&](std::uint64_t bytes) { done += bytes; });
    threads.emplace_back([&, i, worker] {
      statuses[i] = worker->ReadRange(file, ranges[i], size);
      MutexLock lock(mutex);
      --running;
      ended.notify_all();
    });
  }
  for (bool more = true; more;) {
    {
      MutexLock lock(mutex);
      if (running > 0) ended.wait_for(mutex, kProgressEvery);
      more = running > 0;
    }
    if (on_progress_) on_progress_(done, size);
  }
  for (std::thread& thread : threads) thread.join();
  const auto failed = std::ranges::find_if(statuses, [](const Status& s) { return !s.ok(); });
  return failed == statuses.end() ? Status() : *failed;
}

void Batch::Take(const BatchWorker& worker) {
  tally_.Merge(worker.tally());
  Add(stats_, worker.stats());
  form_ = worker.form();
  envelope_ = worker.envelope();
  prefix_ = worker.prefix();
  const std::string& first = worker.first_time();
  if (!first.empty() && (first_time_.empty() || first < first_time_)) first_time_ = first;
  last_time_ = std::max(last_time_, worker.last_time());
}

}  // namespace pgbeacon::ingest
