// Reader: bytes of one text log in, assembled messages out. The front of the log pipeline
// (lines -> heads -> records); it does no I/O and knows no clock.
//
// Example:
//   Reader reader({.prefix = "%m [%p] %q%u@%d "}, [&](const Message& message) { Count(message); });
//   reader.Push(bytes);   // any cut, also in mid-line
//   reader.Flush(true);   // end of file; Flush(false) when nothing more came for a while
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::log {

struct ReaderOptions {
  /// log_line_prefix as configured; nothing: detected from the first lines, and detected anew
  /// until one is found.
  std::optional<std::string> prefix;
  std::size_t record_bytes = std::size_t{1}
                             << 20;               ///< one record; the rest of it is cut and counted
  std::size_t open_bytes = std::size_t{8} << 20;  ///< all open records together
};

/// Why a line gave no message (label `reason` of pgbeacon_source_unparsed_lines_total).
enum class Unparsed : std::uint8_t { kNoPrefix, kTooLong, kOrphan };
inline constexpr int kUnparsedReasons = 3;
std::string_view UnparsedName(Unparsed reason);  ///< "no_prefix", "too_long", "orphan"

/// Counts since construction.
struct ReaderStats {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t messages = 0;
  std::uint64_t unlabelled = 0;      ///< messages taken for the server's without a severity
  std::uint64_t truncated = 0;       ///< records cut at record_bytes or open_bytes
  std::uint64_t prefix_matched = 0;  ///< lines whose head the prefix took
  std::uint64_t prefix_tried = 0;    ///< lines it was tried on, continuations apart
  std::array<std::uint64_t, kUnparsedReasons> unparsed{};
};

/// Not thread-safe; one per source. Memory stays within open_bytes plus one line.
class Reader {
 public:
  using Sink = std::function<void(const Message&)>;

  Reader(ReaderOptions options, Sink sink);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Takes the next bytes of the log. Completed messages reach the sink before this returns.
  void Push(std::string_view bytes);

  /// Delivers every open record. A last line without its newline is delivered too when
  /// `end_of_input`; while a file is followed it is kept, for the rest may still come.
  void Flush(bool end_of_input);

  /// Replaces the prefix from the next line on (e.g. the server told its log_line_prefix). Returns
  /// false and changes nothing when it is no valid prefix.
  bool SetPrefix(std::string_view log_line_prefix);

  /// The prefix in use: configured, told or detected; nothing while unknown.
  std::optional<std::string> prefix() const;

  const ReaderStats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::log
