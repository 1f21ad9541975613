// FrameSource: a log source of the network: a listener, or the Logplex drain. Its frames are sorted
// by server, held against the server's quota, and assembled.
//
// Example:
//   FrameSource source({.name = "udp:0.0.0.0:514"}, counting);
//   source.TakeFrame("<134>Nov 20 20:14:23 db1 postgres[7]: [3-1] LOG:  hi", "10.0.0.7", false);
//   source.EndRound(now);
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "exporter/ingest/counting.h"
#include "exporter/ingest/frame_sink.h"
#include "exporter/ingest/logplex_delivery.h"
#include "exporter/ingest/quota.h"
#include "exporter/ingest/source_status.h"
#include "logparse/transport/frame_reader.h"

namespace pgbeacon::ingest {

struct FrameSourceOptions {
  std::string name;    ///< label `source`
  std::string server;  ///< label `server`; empty: the frame's HOSTNAME, else the peer
  std::optional<std::string> prefix;  ///< log_line_prefix; absent: told or detected, by server
  Quota quota;                        ///< of each server
};

/// Used by the ingest thread alone.
class FrameSource : public FrameSink {
 public:
  /// Servers that are told apart; those beyond share the readers of "other".
  static constexpr std::size_t kMostServers = 10'000;
  static constexpr std::chrono::milliseconds kIdleFlush{2000};
  /// A session's last record is delivered after once to twice this time without more for it.
  static constexpr std::chrono::milliseconds kAge{1500};
  /// Of open records of all servers; beyond, the server that has most is done with its own.
  static constexpr std::size_t kMostOpen = std::size_t{64} << 20;
  static constexpr std::chrono::minutes kForget{10};

  FrameSource(FrameSourceOptions options, Counting& counting);
  FrameSource(const FrameSource&) = delete;
  FrameSource& operator=(const FrameSource&) = delete;
  ~FrameSource() override;

  void TakeFrame(std::string_view frame, std::string_view peer, bool cut) override;
  void CountBadFrames(std::uint64_t count) override { status_.bad_frames += count; }
  void CountKernelDrops(std::uint64_t count) override { Drop(Dropped::kKernel, count); }

  /// The same for a sender whose server is known.
  void TakeFrameOf(std::string_view server, std::string_view frame);
  /// Delivers what is still open of that server.
  void FlushServer(std::string_view server);

  void CountDelivery(const DeliveryCount& count) { Add(status_.deliveries, count); }

  /// Delivers what nothing came after for kIdleFlush or kAge.
  void EndRound(TimePoint now);
  /// Delivers what is still open; for the end of the run.
  void Finish();

  /// A server's own log_line_prefix; a configured one wins over it.
  void TellPrefix(const std::string& server, const std::string& prefix);

  const FrameSourceOptions& options() const { return options_; }
  SourceStatus status() const;
  /// Takes over what was counted before a restart.
  void RestoreStatus(const SourceStatus& status) { status_ = status; }

 private:
  struct Stream;

  void Drop(Dropped reason, std::uint64_t count) {
    status_.dropped[static_cast<std::size_t>(reason)] += count;
  }
  std::string_view ServerOf(const log::Frame& frame, std::string_view peer) const;
  Stream& StreamOf(std::string_view server);
  void Take(Stream& stream, const log::Frame& frame, std::string_view bytes, std::string_view peer,
            bool cut);
  void Show(const Stream& stream, const log::Frame& frame);
  void Flush(Stream& stream);
  void NoteOpen(Stream& stream);
  void FlushLargest();

  const FrameSourceOptions options_;
  Counting& counting_;
  std::unordered_map<std::string, std::unique_ptr<Stream>> streams_;  // by server
  Stream* last_ = nullptr;  // most frames come from the server that the last one came from
  std::map<std::string, std::string> told_;  // prefixes by server
  SourceStatus status_;                      // without what the streams counted
  std::size_t open_bytes_ = 0;               // of all streams
  TimePoint now_;
  std::string process_;  // reused by Show()
};

}  // namespace pgbeacon::ingest
