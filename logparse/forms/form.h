// Form: one form in which PostgreSQL's log is written: bytes in, assembled messages out. The reader
// (logparse/reader.h) chooses the form and hands it the bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logparse/message.h"
#include "logparse/position.h"

namespace pgbeacon::log {

/// The forms that a reader knows; docs/logs.md describes them.
enum class FormKind : std::uint8_t {
  kAuto,       ///< found out from the first lines
  kStderr,     ///< log_destination = stderr
  kCsv,        ///< log_destination = csvlog
  kJson,       ///< log_destination = jsonlog
  kSyslog,     ///< log_destination = syslog, as a syslog daemon writes it to a file
  kHeroku,     ///< `heroku logs`
  kPgbouncer,  ///< PgBouncer's own log
};
inline constexpr int kFormKinds = 7;
/// "auto", "stderr", "csv", "json", "syslog", "heroku", "pgbouncer".
std::string_view FormName(FormKind kind);
std::vector<std::string> FormNames();  ///< of all kinds
/// The kind of a name; nothing when there is none.
std::optional<FormKind> ParseForm(std::string_view name);

struct ReaderOptions {
  FormKind form = FormKind::kAuto;
  /// The first pushed byte is that at from.begin(). What lies before from.end was counted before:
  /// only messages that begin behind it or in from.open are delivered, and stats() begin there.
  ReadPosition from;
  /// log_line_prefix as configured; nothing: detected from the first lines, and detected anew
  /// until one is found. For forms without a prefix it says nothing.
  std::optional<std::string> prefix;
  /// The prefix was detected before and not configured, so that it may be detected anew.
  bool prefix_detected = false;
  std::size_t record_bytes = std::size_t{1}
                             << 20;               ///< one record; the rest of it is cut and counted
  std::size_t open_bytes = std::size_t{8} << 20;  ///< all open records together
  int envelopes = 2;  ///< that are taken off a line, one inside the other, where it has any
};

/// Why a line gave no message (label `reason` of pgbeacon_source_unparsed_lines_total).
enum class Unparsed : std::uint8_t { kNoPrefix, kBadCsv, kBadJson, kTooLong, kOrphan };
inline constexpr int kUnparsedReasons = 5;
/// "no_prefix", "bad_csv", "bad_json", "too_long", "orphan".
std::string_view UnparsedName(Unparsed reason);

/// Counts of what was read since construction. What still waits (a line without its line feed,
/// lines until their prefix is known) was not read yet.
struct ReaderStats {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t messages = 0;
  std::uint64_t unlabelled = 0;      ///< messages taken for the server's without a severity
  std::uint64_t truncated = 0;       ///< records cut at record_bytes or open_bytes
  std::uint64_t prefix_matched = 0;  ///< lines whose head the prefix took
  std::uint64_t prefix_tried = 0;    ///< lines it was tried on, continuations apart
  std::array<std::uint64_t, kUnparsedReasons> unparsed{};

  ReaderStats& operator+=(const ReaderStats& more);
};

/// Not thread-safe. Memory stays within open_bytes plus one line.
class Form {
 public:
  using Sink = std::function<void(const Message&)>;

  explicit Form(ReadPosition from) : resume_(std::move(from)), begin_(resume_.left().begin()) {}
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
  virtual ~Form() = default;

  /// Takes the next bytes. Completed messages reach the sink before this returns.
  virtual void Push(std::string_view bytes) = 0;
  /// Delivers every open record. A last line without its newline is delivered too when
  /// `end_of_input`; while a file is followed it is kept, for the rest may still come.
  virtual void Flush(bool end_of_input) = 0;
  /// As Reader::Age(). Nothing to do in a form whose records are complete with their last line.
  virtual void Age() {}
  /// Replaces the prefix from the next line on. False, and nothing changed, when it is no valid
  /// prefix. A form without prefixes takes any.
  virtual bool SetPrefix(std::string_view /*log_line_prefix*/) { return true; }
  /// The prefix in use: configured, told or detected; nothing while unknown, and in forms without.
  virtual std::optional<std::string> prefix() const { return std::nullopt; }

  /// As Reader::position().
  virtual ReadPosition position() const = 0;
  /// Before the first Push(): the first byte of that is the one at `offset`.
  void StartAt(std::uint64_t offset) { begin_ = offset; }
  /// As Reader::CountFrom().
  virtual void CountFrom(ReadPosition from) { resume_ = Resume(std::move(from)); }

  const ReaderStats& stats() const { return stats_; }

 protected:
  /// Where the bytes lie that are pushed now.
  std::uint64_t Advance(std::string_view bytes) {
    const std::uint64_t at = begin_ + pushed_;
    pushed_ += bytes.size();
    return at;
  }
  /// Behind the last pushed byte.
  std::uint64_t pushed_to() const { return begin_ + pushed_; }
  /// The bytes that count when all up to `end` were read.
  std::uint64_t BytesTo(std::uint64_t end) const {
    const std::uint64_t from = std::max(begin_, resume_.end());
    return end > from ? end - from : 0;
  }

  /// Takes back what lines count at once, not what messages do when they are delivered.
  static void ForgetLines(ReaderStats& stats) {
    stats.lines = stats.prefix_matched = stats.prefix_tried = 0;
    stats.unparsed = {};
  }

  ReaderStats stats_;
  Resume resume_;

 private:
  std::uint64_t begin_;
  std::uint64_t pushed_ = 0;
};

}  // namespace pgbeacon::log
