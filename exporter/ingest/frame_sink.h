// FrameSink: where a listener's frames go.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgbeacon::ingest {

/// Called on the ingest thread alone.
class FrameSink {
 public:
  virtual ~FrameSink() = default;

  /// One message with its header. `peer`: the sender's address without its port, "" for a unix
  /// socket. `cut`: it was longer than what is given here.
  virtual void TakeFrame(std::string_view frame, std::string_view peer, bool cut) = 0;
  /// Framing that did not fit (reason bad_frame).
  virtual void CountBadFrames(std::uint64_t count) = 0;
  /// Datagrams that the kernel threw away (reason kernel).
  virtual void CountKernelDrops(std::uint64_t count) = 0;
};

}  // namespace pgbeacon::ingest
