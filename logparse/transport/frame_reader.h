// FrameReader: frames of one server in, assembled messages out. The counterpart of Reader for logs
// that come over a network, where each frame is one line with its own header and may hold line
// feeds.
//
// Example:
//   FrameReader reader({.prefix = "%m [%p] "}, [&](const Message& message) { Count(message); });
//   reader.Take(ParseFrame(bytes), "10.0.0.7");
//   reader.Flush();   // nothing came for a while
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "logparse/forms/form.h"
#include "logparse/transport/frame.h"

namespace pgbeacon::log {

/// Not thread-safe; one per server and source. Small while idle.
class FrameReader {
 public:
  using Sink = Form::Sink;

  /// options.form and options.envelopes are of no account.
  FrameReader(ReaderOptions options, Sink sink);
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// Takes one frame. `peer` tells processes of several senders apart that have the same number;
  /// `cut`: the frame was longer. Completed messages reach the sink before this returns.
  void Take(const Frame& frame, std::string_view peer, bool cut = false);

  /// Delivers every open record.
  void Flush();
  /// As Reader::Age().
  void Age();

  /// Of records that are open, pieces and lines that wait.
  std::size_t open_bytes() const;

  bool SetPrefix(std::string_view log_line_prefix);
  std::optional<std::string> prefix() const;
  const ReaderStats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::log
