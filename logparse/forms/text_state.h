// TextForm::State: what the parts of TextForm share. text.cc decides about the mode, text_plain.cc
// reads lines that begin with the prefix, text_enveloped.cc lines that something carries, and
// text_loose.cc lines of a log without a prefix.
//
// The form works in one of three modes.
//  - kHold: the prefix is not known yet. Lines are held until enough of them have labels, the
//    bounds are reached or Flush() comes; then a prefix is detected and they are read.
//  - kPrefix: only a line whose head fits the prefix opens or joins a record.
//  - kLoose: the log has no prefix, or none that can be made out. Lines speak for themselves.
// What is held, and a head that may be torn apart, counts as not read yet (text_position.cc).
// A detected prefix that a labelled line does not fit is doubted: holding starts again, so that a
// prefix which also fits the new line can take over. A configured one is never doubted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/client.h"
#include "logparse/envelope.h"
#include "logparse/forms/syslog.h"
#include "logparse/forms/syslog_chunks.h"
#include "logparse/forms/text.h"
#include "logparse/head_cache.h"
#include "logparse/held.h"
#include "logparse/lines.h"
#include "logparse/position.h"
#include "logparse/prefix.h"
#include "logparse/records.h"

namespace pgbeacon::log {

struct TextForm::State {
  enum class Mode { kHold, kPrefix, kLoose };

  /// The first lines of a record that something carries.
  struct Begin {
    std::string key;     // of its pieces; empty: there is none
    std::string record;  // that it opened
    std::string line;
    std::uint64_t at = 0;  // where it begins in the log
    std::size_t body = 0;  // where the message begins
    int chunk = 0;
    bool numbered = false;  // the record has a number
  };

  static constexpr std::uint64_t kFirstPatience = 64;  // lines without doubt after one in vain
  static constexpr std::uint64_t kMostPatience = 16384;

  State(ReaderOptions reader_options, ReaderStats& reader_stats, Resume& reader_resume, Sink sink);

  // text.cc: modes and detection
  bool SetPrefix(std::string_view text);
  void Use(Prefix found);
  void Release(std::uint64_t lines_to);
  void Age();
  void OnLine(std::string_view line, bool cut, std::uint64_t offset);
  void HoldOrRead(std::string_view line, bool cut);
  void Read(std::string_view line, bool cut);
  bool IsEnveloped(std::string_view line);
  void Hold(std::string_view line, bool cut);
  void Decide();
  void Replay();
  bool Doubt(std::string_view line, bool cut);
  void Count(Unparsed reason, bool cut);

  // text_position.cc: how far the log was read. `lines_to`: where the last line ends.
  void At(std::uint64_t offset);
  void TryCross(std::uint64_t offset);
  void ForgetCounts();
  void Sum(std::uint64_t lines_to);
  std::uint64_t ReadTo(std::uint64_t lines_to) const;
  ReadPosition Position(std::uint64_t lines_to) const;

  // text_plain.cc: lines that begin with the prefix
  void ReadPlain(std::string_view line, bool cut);
  void Settle(std::string_view line, Head& head) const;
  bool MayBeTorn(std::string_view line, const Head& head) const;
  void KeepName(std::string_view line, bool whole);
  void CountName();
  bool JoinName(std::string_view line, bool cut);
  void ReleaseName();
  static void Fill(const Head& head, std::string_view text, Message& message);
  void Take(std::string_view line, std::string_view body, const Head& head, std::string_view record,
            bool cut, const Envelope* envelope = nullptr);

  // text_enveloped.cc: lines that something carries
  Envelope Open(std::string_view& line, std::string& unescaped);
  void ReadEnvelope(Envelope& envelope, std::string_view line, bool cut);
  void Keep(Begin& begin, const Envelope& envelope, std::string_view line);
  void ReadEnveloped(std::string_view line, bool cut);
  void ReadUncarried(std::string_view text, std::string_view line, bool cut);
  void ReadServer(Envelope& envelope, std::string_view line, bool cut);
  void CompleteBefore(const Envelope& envelope);
  void ReadPieces(const Envelope& envelope, std::string_view line, bool cut);
  void ReadPiece(const Envelope& envelope, std::string_view line, bool cut);
  void ReadLaterPiece(const Envelope& envelope, bool cut);
  void ReleaseTorn();
  bool JoinTorn(const std::string& record, std::string_view rest, bool cut);
  bool JoinOpening(const std::string& record, std::string_view rest, bool cut);
  void TakeKept(const Begin& begin, const Envelope& envelope, std::string_view line,
                const Head& head, bool cut);
  void ReadWhole(const Envelope& envelope, std::string_view line, bool cut);
  void ReleaseHeld(bool all);
  void ReadHeld(const Chunks::Held& piece);
  void ResolveNumber(Envelope& envelope);
  bool MatchLines(std::string_view body, Head& head);
  bool MatchBody(const Envelope& envelope, Head& head);
  void TakeBody(const Envelope& envelope, std::string_view line, const Head& head, bool cut);
  std::string_view KeyOf(const Envelope& envelope, std::string_view session);
  static void Describe(const Envelope& envelope, Message& message);

  // text_loose.cc: lines of others, and lines of a log without a prefix
  bool UnwrapClientLine(const Envelope& envelope, Message& message);
  void ReadForeign(const Envelope& envelope, std::string_view line, bool cut);
  void ReadLoose(std::string_view line, bool cut);
  void ReadLooseEnvelope(Envelope& envelope, std::string_view line, bool cut);
  void ReadLooseText(const Envelope& envelope, std::string_view line, bool cut);

  const ReaderOptions options;
  ReaderStats& stats;
  Resume& resume;
  LineSplitter splitter;
  Records records;
  ClientErrors client_errors;
  Mode mode = Mode::kHold;
  FormKind kind = FormKind::kAuto;
  std::optional<Prefix> prefix;
  HeadCache heads;                    // of `prefix`
  Head plain_head;                    // of the last line; here so that it need not be cleared
  Message plain_message;              // the same
  std::optional<Prefix> body_prefix;  // the same without the blanks that it begins with
  HeadCache body_heads;               // of `body_prefix`
  bool told = false;                  // configured or set, not detected
  std::optional<bool> enveloped;      // whether the server's lines come in envelopes
  Envelope (*unwrap)(std::string_view) = Unwrap;  // another: each line is a message of a network
  HeldLines held;
  bool replaying = false;
  std::uint64_t taken = 0;           // lines, those that are held among them
  std::uint64_t at = 0;              // where the line begins that is read
  std::uint64_t truncated_from = 0;  // records cut before counting begins
  LineMarks marks;
  std::vector<std::string> sample;  // lines that the detected prefix fits
  std::uint64_t doubt_from = 0, patience = kFirstPatience;
  std::string name_head;               // lines of a head that a name with line feeds spreads out
  std::vector<std::uint64_t> name_at;  // where each begins
  bool name_whole = false;             // the first of them is a message if they are not one
  Chunks chunks;
  SyslogNumbers numbers;
  Begin torn;     // fits no prefix and ends inside a name
  Begin opening;  // opened a record, but a name that holds a label may look like that, too
  enum class Behind : std::uint8_t {
    kOther,
    kTorn,
    kOpening
  } behind = Behind::kOther;  // last line
  std::string half_label;     // the record whose last piece ends between the blanks behind a label
  std::string key;
  std::string record_key;  // of the line that is read
};

}  // namespace pgbeacon::log
