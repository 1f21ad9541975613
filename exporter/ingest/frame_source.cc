#include "exporter/ingest/frame_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "exporter/ingest/reader_stats.h"
#include "logparse/prefix.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::string_view kOther = "other";
constexpr std::size_t kMostName = 253;  // RFC 1035, section 2.3.4

/// A name that senders chose, as a label value: printable and not too long.
std::string Printable(std::string_view name) {
  std::string out(name.substr(0, kMostName));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }, '?');
  return out;
}

}  // namespace

/// What comes from one server.
struct FrameSource::Stream {
  Stream(std::string stream_name, Counting& counting, log::ReaderOptions reader_options,
         Quota quota, TimePoint now)
      : name(std::move(stream_name)),
        server(counting.Server(name)),
        reader(std::move(reader_options),
               [this, &counting](const log::Message& message) {
                 counting.Count(server, message, log::Written::kLive);
               }),
        bucket(quota, now),
        last_frame(now),
        aged(now) {}

  const std::string name;
  const int server;
  log::FrameReader reader;
  Bucket bucket;
  TimePoint last_frame;
  TimePoint aged;
  std::size_t open_bytes = 0;  // as counted in the source's sum
  bool flushed = true;
};

FrameSource::FrameSource(FrameSourceOptions options, Counting& counting)
    : options_(std::move(options)), counting_(counting), now_(SteadyClock::now()) {
  if (!options_.server.empty()) StreamOf(options_.server);
}

FrameSource::~FrameSource() = default;

void FrameSource::TakeFrame(std::string_view bytes, std::string_view peer, bool cut) {
  const log::Frame frame = log::ParseFrame(bytes);
  Take(StreamOf(ServerOf(frame, peer)), frame, bytes, peer, cut);
}

void FrameSource::TakeFrameOf(std::string_view server, std::string_view bytes) {
  const log::Frame frame = log::ParseFrame(bytes);
  Take(StreamOf(server), frame, bytes, {}, false);
}

void FrameSource::FlushServer(std::string_view server) { Flush(StreamOf(server)); }

void FrameSource::Flush(Stream& stream) {
  stream.reader.Flush();
  stream.flushed = true;
  NoteOpen(stream);
}

void FrameSource::NoteOpen(Stream& stream) {
  const std::size_t open = stream.reader.open_bytes();
  open_bytes_ += open - std::exchange(stream.open_bytes, open);
}

void FrameSource::FlushLargest() {
  const auto largest = std::ranges::max_element(
      streams_, {}, [](const auto& entry) { return entry.second->open_bytes; });
  Flush(*largest->second);
}

std::string_view FrameSource::ServerOf(const log::Frame& frame, std::string_view peer) const {
  if (!options_.server.empty()) return options_.server;
  if (!frame.host.empty()) return frame.host;
  return peer.empty() ? "localhost" : peer;
}

FrameSource::Stream& FrameSource::StreamOf(std::string_view server) {
  if (last_ != nullptr && last_->name == server) return *last_;
  std::string name = Printable(server);
  auto at = streams_.find(name);
  if (at == streams_.end() && streams_.size() >= kMostServers) {
    name = kOther;
    at = streams_.find(name);
  }
  if (at == streams_.end()) {
    log::ReaderOptions reader;
    reader.prefix = options_.prefix;
    const auto told = told_.find(name);
    if (!reader.prefix && told != told_.end()) reader.prefix = told->second;
    auto stream =
        std::make_unique<Stream>(name, counting_, std::move(reader), options_.quota, now_);
    at = streams_.emplace(std::move(name), std::move(stream)).first;
  }
  last_ = at->second.get();
  return *last_;
}

void FrameSource::Take(Stream& stream, const log::Frame& frame, std::string_view bytes,
                       std::string_view peer, bool cut) {
  if (!stream.bucket.Take(now_)) {
    Drop(Dropped::kQuota, 1);
    const std::uint64_t before = status_.over_quota[stream.name]++;
    if (before == 0) {
      spdlog::warn(
          "source={}: server {} sends more than its quota of {} lines/s; the rest is "
          "dropped and counted (pgbeacon_server_over_quota_lines_total)",
          options_.name, stream.name, options_.quota.lines_per_second);
    }
    status_.stats.lines += 1;
    status_.stats.bytes += bytes.size();
    return;
  }
  stream.reader.Take(frame, peer, cut);
  stream.last_frame = now_;
  stream.flushed = false;
  NoteOpen(stream);
  if (open_bytes_ > kMostOpen) FlushLargest();
  if (counting_.shows()) Show(stream, frame);
}

/// As `heroku logs` would show it: source and process where the frame names them, of syslog's other
/// senders the program.
void FrameSource::Show(const Stream& stream, const log::Frame& frame) {
  fanout::Line line;
  line.server = stream.name;
  line.time = frame.time;
  line.text = frame.message;
  if (frame.has_pri) line.level = frame.level;
  if (frame.protocol == log::Protocol::kLogplex || log::NamesParty(frame)) {
    line.source = frame.app;
    line.process = frame.process;
  } else {
    process_.assign(frame.app);
    if (!frame.process.empty()) process_.append(1, '.').append(frame.process);
    line.source = "app";
    line.process = process_;
  }
  counting_.Show(line);
}

void FrameSource::EndRound(TimePoint now) {
  now_ = now;
  for (auto it = streams_.begin(); it != streams_.end();) {
    Stream& stream = *it->second;
    if (!stream.flushed && now - stream.last_frame >= kIdleFlush) {
      Flush(stream);
    } else if (!stream.flushed && now - stream.aged >= kAge) {
      stream.reader.Age();
      stream.aged = now;
      NoteOpen(stream);
    }
    const bool forget = now - stream.last_frame >= kForget && options_.server.empty();
    if (forget) {
      Add(status_.stats, stream.reader.stats());
      if (last_ == &stream) last_ = nullptr;
    }
    it = forget ? streams_.erase(it) : std::next(it);
  }
}

void FrameSource::Finish() {
  for (const auto& [name, stream] : streams_) Flush(*stream);
}

void FrameSource::TellPrefix(const std::string& server, const std::string& prefix) {
  if (options_.prefix || !log::Prefix::Compile(prefix).ok()) return;
  told_[server] = prefix;
  const auto at = streams_.find(server);
  if (at != streams_.end()) at->second->reader.SetPrefix(prefix);
}

SourceStatus FrameSource::status() const {
  SourceStatus status = status_;
  status.open_bytes = open_bytes_;
  for (const auto& [name, stream] : streams_) Add(status.stats, stream->reader.stats());
  const log::ReaderStats& stats = status.stats;
  if (stats.prefix_tried > 0) {
    status.match_ratio =
        static_cast<double>(stats.prefix_matched) / static_cast<double>(stats.prefix_tried);
  }
  return status;
}

}  // namespace pgbeacon::ingest
