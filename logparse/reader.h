// Reader: bytes of one log in, assembled messages out, whatever form PostgreSQL wrote it in. The
// front of the log pipeline; it does no I/O and knows no clock.
//
// Example:
//   Reader reader({.prefix = "%m [%p] %q%u@%d "}, [&](const Message& message) { Count(message); });
//   reader.Push(bytes);   // any cut, also in mid-line
//   reader.Flush(true);   // end of file; Flush(false) when nothing more came for a while
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "logparse/forms/form.h"

namespace pgbeacon::log {

/// Not thread-safe; one per source. Memory stays within ReaderOptions::open_bytes plus one line.
class Reader {
 public:
  using Sink = Form::Sink;

  Reader(ReaderOptions options, Sink sink);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Takes the next bytes of the log. Completed messages reach the sink before this returns.
  void Push(std::string_view bytes);

  /// Delivers every open record. A last line without its newline is delivered too when
  /// `end_of_input`; while a file is followed it is kept, for the rest may still come.
  void Flush(bool end_of_input);

  /// Delivers open records that got nothing more since the call before this one. For a log that is
  /// followed, on a clock, where nothing is left to read: else a session's last record would wait
  /// for other sessions' lines.
  void Age();

  /// Replaces the prefix from the next line on (e.g. the server told its log_line_prefix). Returns
  /// false and changes nothing when it is no valid prefix.
  bool SetPrefix(std::string_view log_line_prefix);

  /// The prefix in use: configured, told or detected; nothing while unknown, and in forms without.
  std::optional<std::string> prefix() const;

  /// The form in use, kAuto while unknown; and the envelope around it as docs/logs.md names it
  /// ("cri", "docker", "cnpg", ...), "" without one.
  FormKind form() const;
  std::string_view envelope() const;

  /// How far the log was read: what was delivered is everything before position().end but for the
  /// open records, and stats() count just that. A Reader that begins there, with the form() and the
  /// prefix() of this one, delivers what this one still would.
  ReadPosition position() const;

  /// Replaces ReaderOptions::from while nothing from its end on was read.
  void CountFrom(ReadPosition from);

  const ReaderStats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::log
