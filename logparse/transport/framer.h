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
/// begins with a PRI, with a count or behind a line feed. Where the message's last digits are left
/// over, "15" before "186 <134>", they look like a part of the next count: that frame is read again
/// with the last digits of its count behind which a frame begins, once 5186 is known not to fit;
/// after the first such proof as soon as a frame begins there.
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

  /// End of the stream: delivers what came of the last frame, which is cut if it was counted, or
  /// the frames in it.
  template <class OnFrame>
  void Finish(OnFrame&& on_frame) {
    Cut frame;
    while (Last(frame)) on_frame(frame.bytes, frame.cut);
  }

  /// Counts that did not fit, after which the next frame had to be looked for.
  std::uint64_t bad_frames() const { return bad_frames_; }
  /// Whether a frame has begun and not ended.
  bool open() const {
    return !held_.empty() || !doubted_.empty() || (mode_ != Mode::kBegin && mode_ != Mode::kLost);
  }
  /// Bytes that are held now.
  std::size_t held() const {
    std::size_t bytes = 0;
    for (const std::string* text : {&held_, &given_, &doubted_, &again_}) {
      if (text->capacity() > kInPlace) bytes += text->capacity();
    }
    return bytes;
  }

 private:
  static constexpr std::size_t kInPlace = 15;  // that a string holds without memory of its own

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
  bool Step(std::string_view& bytes, Cut& frame);
  bool Begin(std::string_view& bytes);
  Count ReadCount(std::string_view text) const;
  bool ReadLine(std::string_view& bytes, Cut& frame);
  bool ReadCounted(std::string_view& bytes, Cut& frame);
  void Skip(std::string_view& bytes);
  void Misfit();
  std::uint64_t Suffix(std::size_t digits) const;
  std::size_t FindInner(std::string_view message, bool whole);
  void Rescan(std::string bytes, std::size_t end);
  void Search(std::string_view& bytes);
  bool Extend(char c);
  void Keep(std::string_view piece);
  bool GiveDoubted(Cut& frame);
  void Release();

  const std::size_t most_;
  std::string held_;
  std::string given_;    // the frame that was given out last, unless it stands in pushed bytes
  std::string doubted_;  // a whole frame that may be several, until it is known what follows it
  std::string again_;    // bytes that are read once more, before new ones
  std::size_t again_at_ = 0;
  std::size_t back_ = 0;       // so many bytes of again_ are to be read yet another time
  std::size_t inner_end_ = 0;  // where the first frame of doubted_ would end
  std::uint64_t bad_frames_ = 0;
  std::uint64_t left_ = 0;      // bytes of the frame that did not come yet
  Count count_;                 // of the last frame
  std::size_t tried_ = 0;       // its last digits up to which no shorter count fits
  std::array<char, 2> ends_{};  // the last two bytes of the last frame
  char end_before_ = 0;         // the last byte of the frame before
  char carried_ = 0;            // begins the next frame
  std::uint8_t counted_ = 0;    // frames with a count, up to 3
  Mode mode_ = Mode::kBegin;
  bool reading_again_ = false;
  bool after_count_ = false;    // the last frame was counted
  bool has_pri_ = false;        // a frame began with a PRI
  bool blank_counted_ = false;  // counts include the blank behind them
  bool miscounts_ = false;      // a count did not fit
};

}  // namespace pgbeacon::log
