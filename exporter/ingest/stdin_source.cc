#include "exporter/ingest/stdin_source.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "exporter/ingest/reader_stats.h"

namespace pgbeacon::ingest {
namespace {

log::ReaderOptions ReaderOf(const SourceOptions& source) {
  log::ReaderOptions options;
  options.form = source.form;
  options.prefix = source.prefix;
  return options;
}

}  // namespace

StdinSource::StdinSource(SourceOptions options, int descriptor, log::Reader::Sink sink)
    : options_(std::move(options)),
      descriptor_(descriptor),
      reader_(ReaderOf(options_), std::move(sink)),
      last_data_(SteadyClock::now()) {}

bool StdinSource::Read(TimePoint now, std::span<char> buffer) {
  if (ended_) return false;
  pollfd ready = {.fd = descriptor_, .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, 0) <= 0) return false;
  const ssize_t got = read(descriptor_, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (got <= 0) {
    ended_ = true;
    reader_.Flush(true);
    if (got < 0) {
      spdlog::warn("source={}: cannot be read: {}", options_.name, std::strerror(errno));
    } else {
      spdlog::info("source={}: ended", options_.name);
    }
    return false;
  }
  reader_.Push({buffer.data(), static_cast<std::size_t>(got)});
  last_data_ = now;
  flushed_ = false;
  return true;
}

void StdinSource::EndRound(TimePoint now) {
  if (flushed_ || now - last_data_ < kIdleFlush) return;
  reader_.Flush(false);
  flushed_ = true;
}

void StdinSource::TellPrefix(const std::string& prefix) {
  if (!options_.prefix) reader_.SetPrefix(prefix);
}

SourceStatus StdinSource::status() const {
  SourceStatus status = before_;
  Add(status.stats, reader_.stats());
  const log::ReaderStats& stats = reader_.stats();
  if (stats.prefix_tried > 0) {
    status.match_ratio =
        static_cast<double>(stats.prefix_matched) / static_cast<double>(stats.prefix_tried);
  }
  return status;
}

}  // namespace pgbeacon::ingest
