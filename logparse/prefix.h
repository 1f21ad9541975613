// Prefix: a log_line_prefix of PostgreSQL 13 to 18, compiled into a list of literals and typed
// fields that takes the head of a line apart without regular expressions.
//
// Example:
//   Result<Prefix> prefix = Prefix::Compile("%m [%p] %q%u@%d ");
//   Head head;
//   if (prefix->Match(line, head)) Use(head.pid, line.substr(head.label_begin + head.label.size));
//
// The server writes names raw: a user name may hold blanks, '@', line feeds and whole labels
// ("x LOG:  duration: 1 ms"). So the label counts only where every part of the prefix fits before
// it, names have at most 63 bytes, and where several labels fit, prefix_match.cc weighs them. Text
// cannot settle every such case; csvlog and jsonlog can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logparse/label.h"

namespace pgbeacon::log {

/// What stood before the message of one line. Views into that line; empty: absent or "[unknown]".
struct Head {
  std::string_view time;         ///< %m, %t or %n
  std::string_view pid;          ///< %p
  std::string_view session;      ///< %c, else pid
  std::string_view user;         ///< %u
  std::string_view database;     ///< %d
  std::string_view application;  ///< %a
  std::string_view sqlstate;     ///< %e
  std::string_view remote;       ///< %r or %h
  std::size_t label_begin = 0;
  Label label;
  bool doubtful = false;  ///< other labels of the line fit as well; see Prefix::Readings()
  bool stopped = false;   ///< ended at %q, as in processes without a client
};

/// Immutable; may be used from several threads.
class Prefix {
 public:
  /// An escape that no release knows prints nothing there; a later release may print something, so
  /// it takes any word without blanks. Errors: line feeds or NULs, a lone % at the end, a padding
  /// above 1000, more than 64 parts.
  static Result<Prefix> Compile(std::string_view log_line_prefix);

  /// Whether `line` begins with this prefix and a label of the server's form.
  bool Match(std::string_view line, Head& head) const;

  /// Reads a line whose user or database name holds a label or a line feed, as names of clients may
  /// that the server does not let in; only where the message proves it: it repeats the name, or is
  /// one that needs no known name. `line` may be several lines that such a name tore apart; the
  /// label then stands behind the first `from` bytes. `torn`: it is known that they are, so that
  /// secondary lines count, too.
  bool MatchStranger(std::string_view line, bool torn, Head& head, std::size_t from = 0) const;

  /// Every way to read `line`, by the place of the label; for doubtful heads.
  std::vector<Head> Readings(std::string_view line) const;

  /// The same for a line whose label is a word of a language that is not known, "WORD:  ". The
  /// label of `head` has a size and no severity.
  bool MatchWord(std::string_view line, Head& head) const;

  /// Whether `line` fits up to a user or database name and ends before the label: the name may
  /// hold a line feed, and the rest of the head then stands on the next line.
  bool EndsInName(std::string_view line) const;

  /// The same where no transport has escaped bytes of the names, so that they have 63 at most.
  bool EndsInPlainName(std::string_view line) const;

  /// Whether all of the prefix, or all up to a user or database name, stands at the begin of
  /// `line` and little more; for lines without a label.
  bool IsHead(std::string_view line) const;

  /// Whether `line` fits as far as the first field with a fixed form (a time, a pid).
  bool Begins(std::string_view line) const;

  /// How many blanks follow a label: one suffices where no name could be taken for it.
  LabelForm label_form() const { return has_names_ ? LabelForm::kTwoBlanks : LabelForm::kOneBlank; }

  /// Lets applications have line feeds in their names. The server prints none, but a syslog daemon
  /// writes a line feed as "#012", and an application may be called that.
  void AllowLineFeeds();

  /// log_line_prefix as given.
  const std::string& text() const { return text_; }

 private:
  friend class HeadCache;
  static constexpr std::size_t kMaxName = 63;               // NAMEDATALEN - 1
  static constexpr std::size_t kMostInHead = 3 * kMaxName;  // both names and what stands between

  enum class Shape : std::uint8_t {
    kLiteral,
    kStop,      // %q
    kTime,      // 2026-11-20 20:14:23 UTC
    kTimeMs,    // 2026-11-20 20:14:23.488 UTC
    kEpoch,     // 1795205663.488
    kDigits,    // may be empty for %P
    kSigned,    // %Q
    kHexPair,   // 65a1b2c3.1f4
    kVxid,      // 3/117, may be empty
    kSqlstate,  // 42P01
    kHost,      // 10.0.0.1, ::1, [local], may be empty
    kRemote,    // 10.0.0.1(51234), [local], may be empty
    kWord,      // unknown escape: no blanks, may be empty
    kName       // anything without line end; raw names may hold even that
  };
  struct Part {
    Shape shape = Shape::kLiteral;
    char escape = 0;
    bool pad_right = false;      // %-10p
    bool line_feeds = false;     // of a kName
    std::uint16_t width = 0;     // of the padding
    std::uint16_t max_size = 0;  // of a kName or kWord
    std::string literal;
  };

  struct Repeated;
  struct Search;

  static Shape ShapeOf(char escape);
  static std::size_t MaxSizeOf(char escape);
  static std::size_t UnescapedSize(std::string_view value);
  static bool FitsName(const Part& part, std::string_view value);
  static std::size_t TypedEnd(const Part& part, std::string_view line, std::size_t pos);
  static std::size_t FieldEnd(const Part& part, std::string_view line, std::size_t pos);
  static void Store(const Part& part, std::string_view value, Head& head);

  void Add(Part part);
  std::optional<std::size_t> RepeatedFrom() const;
  std::size_t NameEnd(std::size_t index, std::string_view line, std::size_t pos) const;
  std::size_t NextLabel(std::string_view line, std::size_t from) const;
  bool Complete(std::string_view line, bool fast, Head& head) const;
  bool MatchFast(std::string_view line, Head& head) const;
  bool MatchSlow(std::string_view line, Head& head) const;
  bool FitsBefore(std::size_t index, std::string_view line, std::size_t most) const;
  bool MatchBefore(std::string_view line, std::size_t label_begin, Head& head) const;
  bool MatchBefore(std::string_view line, std::size_t label_begin, const Repeated& repeated,
                   Head& head) const;
  bool MatchStrangerBefore(std::string_view line, std::size_t begin, Head& head) const;
  void PreferLaterLabel(std::string_view line, Head& head) const;
  void WeighLabels(std::string_view line, std::size_t label, Head& head) const;

  std::string text_;
  std::vector<Part> parts_;
  std::size_t max_head_ = 0;    // no label of this prefix begins after this many bytes
  std::size_t first_name_ = 0;  // index of the first kName, parts_.size() if none
  std::size_t first_raw_ = 0;   // the same of the first %u or %d
  std::size_t most_names_ = 0;  // bytes from there to the end of the last %u or %d
  bool has_names_ = false;
  bool ends_in_field_ = false;  // no literal stands before the label
  bool user_at_ = false;        // has "%u@"
  // Bytes at the front, of the time, that change from line to line; nothing when more changes.
  std::optional<std::size_t> repeated_from_;
};

}  // namespace pgbeacon::log
