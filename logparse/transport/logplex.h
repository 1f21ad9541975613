// The body of a Logplex delivery (Content-Type: application/logplex-1): octet-counted messages, one
// after the other, with no separator. Tolerant as a receiver of the real one must be: a count that
// is off, an L10 record without its line feed, bytes that are no UTF-8.
//
// Example:
//   LogplexBody body(bytes);
//   while (std::optional<std::string_view> message = body.Next()) Take(ParseFrame(*message));
//   body.bad_frames();
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pgbeacon::log {

/// Borrows the bytes.
class LogplexBody {
 public:
  explicit LogplexBody(std::string_view bytes) : rest_(bytes) {}

  /// The next message without its count; nothing at the end.
  std::optional<std::string_view> Next();

  /// Counts that did not fit.
  std::uint64_t bad_frames() const { return bad_frames_; }

 private:
  std::string_view rest_;
  std::uint64_t bad_frames_ = 0;
};

/// A loss that Logplex tells of in a line of its own (heroku[logplex]: Error L10, L11).
struct LogplexLoss {
  bool tail = false;  ///< L11, else L10
  std::uint64_t messages = 0;
};
/// Nothing: `message` tells of none. `message` is Frame::message of a frame of app "heroku".
std::optional<LogplexLoss> ParseLogplexLoss(std::string_view message);

}  // namespace pgbeacon::log
