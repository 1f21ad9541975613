// Form: one form in which PostgreSQL's log is written: bytes in, assembled messages out. The reader
// (logparse/reader.h) chooses the form and hands it the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/message.h"

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
  /// log_line_prefix as configured; nothing: detected from the first lines, and detected anew
  /// until one is found. For forms without a prefix it says nothing.
  std::optional<std::string> prefix;
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

  ReaderStats& operator+=(const ReaderStats& more);
};

/// Not thread-safe. Memory stays within open_bytes plus one line.
class Form {
 public:
  using Sink = std::function<void(const Message&)>;

  Form() = default;
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
  virtual ~Form() = default;

  /// Takes the next bytes. Completed messages reach the sink before this returns.
  virtual void Push(std::string_view bytes) = 0;
  /// Delivers every open record. A last line without its newline is delivered too when
  /// `end_of_input`; while a file is followed it is kept, for the rest may still come.
  virtual void Flush(bool end_of_input) = 0;
  /// Replaces the prefix from the next line on. False, and nothing changed, when it is no valid
  /// prefix. A form without prefixes takes any.
  virtual bool SetPrefix(std::string_view /*log_line_prefix*/) { return true; }
  /// The prefix in use: configured, told or detected; nothing while unknown, and in forms without.
  virtual std::optional<std::string> prefix() const { return std::nullopt; }

  const ReaderStats& stats() const { return stats_; }

 protected:
  ReaderStats stats_;
};

}  // namespace pgbeacon::log
