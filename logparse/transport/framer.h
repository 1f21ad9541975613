// Framer: cuts a byte stream into syslog messages (RFC 6587, RFC 5425). Each frame says by its
// first byte how it ends: a digit from 1 to 9 begins an octet count, anything else ends with a line
// feed (or NUL). A count that does not fit is noticed and the next frame is looked for.
//
// Example:
//   Framer framer(1 << 20);
//   framer.Push(bytes, [&](std::string_view frame, bool cut) { ... });
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgbeacon::log {

/// Not thread-safe; one per connection. The frames do not depend on how the bytes were cut. Holds
/// at most `most` bytes and a little; nothing while no frame is open.
///
/// Wrong counts: the line feed of a message may be left out of its count. Where the blank behind
/// the count was counted, too, that shows at the second frame at the latest, which may be lost. Any
/// other count that does not end where a frame begins loses what stands before the next one that
/// begins with a PRI, with a count or behind a line feed.
class Framer {
 public:
  /// Frames above `most` bytes come with their first `most` bytes and cut = true.
  explicit Framer(std::size_t most) : most_(most) {}

  /// Calls on_frame(std::string_view frame, bool cut) for each frame that `bytes` complete. A frame
  /// that stands in `bytes` as a whole is a view of them.
  template <class OnFrame>
  void Push(std::string_view bytes, OnFrame&& on_frame) {
    Cut frame;
    while (Next(bytes, frame)) on_frame(frame.bytes, frame.cut);
  }

  /// End of the stream: delivers what came of the last frame, which is cut if it was counted.
  template <class OnFrame>
  void Finish(OnFrame&& on_frame) {
    Cut frame;
    if (Last(frame)) on_frame(frame.bytes, frame.cut);
    Release();
  }

  /// Counts that did not fit, after which the next frame had to be looked for.
  std::uint64_t bad_frames() const { return bad_frames_; }
  /// Whether a frame has begun and not ended.
  bool open() const { return !held_.empty() || (mode_ != Mode::kBegin && mode_ != Mode::kLost); }
  /// Bytes that are held now.
  std::size_t held() const { return held_.capacity() > kInPlace ? held_.capacity() : 0; }

 private:
  static constexpr std::size_t kInPlace = 15;    // that a string holds without memory of its own
  static constexpr std::size_t kMostDigits = 9;  // of a count

  enum class Mode : std::uint8_t {
    kBegin,    // of a frame; held: what may be its count
    kLine,     // up to the next line feed
    kCounted,  // for left_ bytes
    kSkip,     // the rest of a frame that was given out in part, left_ bytes
    kLost      // until a frame begins; held: what may be its begin
  };
  struct Cut {
    std::string_view bytes;
    bool cut = false;
  };
  struct Count {
    enum class Is : std::uint8_t { kNone, kUnknown, kCount } is = Is::kNone;
    std::uint64_t bytes = 0;
    std::size_t digits = 0;
  };

  bool Next(std::string_view& bytes, Cut& frame);
  bool Last(Cut& frame);
  void Begin(std::string_view& bytes);
  Count ReadCount(std::string_view text) const;
  bool ReadLine(std::string_view& bytes, Cut& frame);
  bool ReadCounted(std::string_view& bytes, Cut& frame);
  void Skip(std::string_view& bytes);
  void Misfit();
  void Search(std::string_view& bytes);
  bool Extend(char c);
  void Keep(std::string_view piece);
  void Release();

  const std::size_t most_;
  std::string held_;
  std::uint64_t bad_frames_ = 0;
  std::uint64_t left_ = 0;      // bytes of the frame that did not come yet
  Count count_;                 // of the last frame
  std::array<char, 2> ends_{};  // the last two bytes of the last frame
  char end_before_ = 0;         // the last byte of the frame before
  char carried_ = 0;            // begins the next frame
  std::uint8_t counted_ = 0;    // frames with a count, up to 3
  Mode mode_ = Mode::kBegin;
  bool given_ = false;          // the frame that was given out last stands in held_
  bool after_count_ = false;    // the last frame was counted
  bool has_pri_ = false;        // a frame began with a PRI
  bool blank_counted_ = false;  // counts include the blank behind them
};

}  // namespace pgbeacon::log
