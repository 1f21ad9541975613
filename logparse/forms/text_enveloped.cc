// Lines that a platform or a syslog daemon carries. A record comes there whole in one line, or in
// numbered pieces of which only the first may open it: whatever a client wrote stands in the
// others.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.h"
#include "logparse/forms/text_state.h"

namespace pgbeacon::log {
namespace {

// journalctl moves further lines of a message under its first.
constexpr std::size_t kLeastIndent = 12;
constexpr int kMostOpen = 4;  // records of one process, whose pieces may overtake each other
constexpr std::size_t kMostBegin = 1024;  // bytes of lines over which names spread out a head

void SkipIndent(std::string_view& line) {
  const std::size_t blanks = std::min(line.find_first_not_of(' '), line.size());
  if (blanks >= kLeastIndent) line.remove_prefix(blanks);
}

void NumberPiece(Envelope& envelope) {
  envelope.chunk = envelope.number;
  envelope.record = {};
}

// Of a line that is known to be a piece: a single number says which.
Envelope UnwrapPiece(Envelope envelope) {
  if (envelope.chunk == 0) NumberPiece(envelope);
  return envelope;
}

// The envelope of lines that were kept.
Envelope UnwrapKept(Envelope envelope, std::string_view line, std::size_t body, int chunk,
                    bool numbered) {
  envelope.chunk = chunk;
  envelope.number = 0;
  if (!numbered) envelope.record = {};
  envelope.body = envelope.rest = line.substr(body);
  return envelope;
}

}  // namespace

void TextForm::State::Describe(const Envelope& envelope, Message& message) {
  message.time = envelope.time;
  message.source = envelope.source;
  message.process = envelope.process;
  message.pid = envelope.pid;
  message.color = envelope.color;
  message.user = envelope.user;
}

// Records of one process are told apart by their number where the transport prints it.
std::string_view TextForm::State::KeyOf(const Envelope& envelope, std::string_view session) {
  if (!envelope.key.empty()) return envelope.key;
  const bool syslog = envelope.carrier == Carrier::kSyslog;
  if (!syslog && envelope.chunk == 0 && !session.empty()) {
    if (envelope.sender.empty()) return session;
    key.assign(envelope.sender).append(session);
    return key;
  }
  key.clear();
  AppendProcess(envelope, key);
  if (syslog || envelope.chunk != 0) {
    key.append(envelope.color).append(1, '#').append(envelope.record);
  }
  return key;
}

// Takes the envelope off; `line` becomes a view of `unescaped` where a daemon had escaped bytes.
Envelope TextForm::State::Open(std::string_view& line, std::string& unescaped) {
  if (options.form == FormKind::kStderr) {
    Envelope none;
    none.rest = line;
    none.body = line.substr(std::min(line.find_first_not_of(' '), line.size()));
    return none;
  }
  Envelope envelope = unwrap(line);
  if (unwrap != Unwrap) return envelope;
  if (envelope.carrier == Carrier::kSyslog && UnescapeSyslog(line, unescaped)) {
    line = unescaped;
    envelope = Unwrap(line);
  }
  if (kind == FormKind::kAuto && envelope.present()) {
    kind = envelope.carrier == Carrier::kSyslog ? FormKind::kSyslog : FormKind::kHeroku;
  }
  return envelope;
}

void TextForm::State::ReadEnveloped(std::string_view line, bool cut) {
  if (line.empty()) return;
  std::string unescaped;
  Envelope envelope = Open(line, unescaped);
  ReadEnvelope(envelope, line, cut);
}

void TextForm::State::ReadEnvelope(Envelope& envelope, std::string_view line, bool cut) {
  const Behind before = std::exchange(behind, Behind::kOther);
  const bool tagged = kind != FormKind::kSyslog && (envelope.chunk != 0 || !envelope.color.empty());
  if (!envelope.present() && !tagged) {
    behind = before;
    ReadUncarried(unwrap == Unwrap ? line : envelope.rest, line, cut);
  } else if (!envelope.from_server() || IsPlatformLine(envelope)) {
    ReadForeign(envelope, line, cut);
  } else {
    ReadServer(envelope, line, cut);
  }
  ReleaseHeld(false);
}

// A line without an envelope between others that have one goes on with the last record: the
// transport printed its line feeds raw. It never opens one. `text`: of the line.
void TextForm::State::ReadUncarried(std::string_view text, std::string_view line, bool cut) {
  SkipIndent(text);
  Envelope envelope;
  envelope.rest = envelope.body = text;
  Head head;
  if (behind == Behind::kTorn && JoinTorn(std::string(torn.key), text, cut)) return;
  if (behind == Behind::kOpening && JoinOpening(std::string(opening.key), text, cut)) return;
  if (!records.HasLast()) {
    if (Doubt(line, cut)) return;
    ++stats.prefix_tried;
    Count(Unparsed::kNoPrefix, cut);
  } else if (text.starts_with('\t')) {
    records.Continue("\n", text.substr(1), cut);
  } else if (MatchBody(envelope, head) && !head.label.primary()) {
    records.JoinLast(head.label.part, text.substr(head.label_begin + head.label.size), cut);
  } else {
    records.Continue("\n", text, cut);
  }
}

void TextForm::State::ReadServer(Envelope& envelope, std::string_view line, bool cut) {
  if (envelope.number != 0) ResolveNumber(envelope);
  if (!envelope.record.empty()) {
    record_key = KeyOf(envelope, {});
    envelope.key = record_key;
    if (envelope.chunk <= 1) CompleteBefore(envelope);
  }
  if (envelope.chunk != 0) {
    ReadPieces(envelope, line, cut);
  } else {
    ReadWhole(envelope, line, cut);
  }
}

// A process numbers its records, so those before its last ones are complete.
void TextForm::State::CompleteBefore(const Envelope& envelope) {
  const std::optional<std::int64_t> number = ParseInt(envelope.record);
  if (!number || *number <= kMostOpen) return;
  key.assign(record_key, 0, record_key.size() - envelope.record.size());
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *number - kMostOpen);
  key.append(digits.data(), end.ptr);
  records.Complete(key);
  chunks.Complete(key);
}

void TextForm::State::ResolveNumber(Envelope& envelope) {
  if (envelope.record == envelope.pid) {
    Envelope marked = envelope;  // "[18655] " may be a log_line_prefix
    marked.body = marked.rest = marked.marked;
    Head head;
    if (mode == Mode::kPrefix && MatchBody(marked, head)) {
      envelope = marked;
      envelope.number = 0;
      envelope.record = {};
      return;
    }
  }
  SyslogNumbers::Looks looks = SyslogNumbers::Looks::kOther;
  Head head;
  if (envelope.rest.starts_with('\t')) {
    looks = SyslogNumbers::Looks::kContinues;
  } else if (MatchBody(envelope, head)) {
    looks = head.label.primary() ? SyslogNumbers::Looks::kOpens : SyslogNumbers::Looks::kContinues;
  }
  key.clear();
  AppendProcess(envelope, key);
  const SyslogNumbers::Meaning meaning = numbers.Observe(key, envelope.number, looks);
  const bool opens = envelope.number > 1 && looks == SyslogNumbers::Looks::kOpens;
  if (meaning == SyslogNumbers::Meaning::kRecord ||
      (meaning == SyslogNumbers::Meaning::kUnknown && opens)) {
    return;
  }
  NumberPiece(envelope);
}

// ---- Records in pieces ----

void TextForm::State::ReadPieces(const Envelope& envelope, std::string_view line, bool cut) {
  const std::string record(KeyOf(envelope, {}));  // ReadHeld() makes others
  switch (chunks.Admit(record, envelope.chunk, line, cut, at)) {
    case Chunks::Place::kNow:
      ReadPiece(envelope, line, cut);
      break;
    case Chunks::Place::kHeld:
      return;
    case Chunks::Place::kLate:
      Count(Unparsed::kOrphan, cut);
      return;
  }
  while (const std::optional<Chunks::Held> next = chunks.TakeNext(record)) ReadHeld(*next);
}

void TextForm::State::ReleaseHeld(bool all) {
  while (const std::optional<Chunks::Held> piece = chunks.TakeOverdue(all)) ReadHeld(*piece);
}

void TextForm::State::ReadHeld(const Chunks::Held& piece) {
  At(piece.at);
  if (piece.orphan) {
    Count(Unparsed::kOrphan, piece.cut);
    return;
  }
  const Envelope envelope = UnwrapPiece(unwrap(piece.line));
  if (piece.gap) records.MarkCut(KeyOf(envelope, {}));
  ReadPiece(envelope, piece.line, piece.cut);
}

void TextForm::State::ReadPiece(const Envelope& envelope, std::string_view line, bool cut) {
  if (envelope.chunk > 1) {
    ReadLaterPiece(envelope, cut);
    return;
  }
  ReadWhole(envelope, line, cut);
}

void TextForm::State::ReadLaterPiece(const Envelope& envelope, bool cut) {
  const std::string record(KeyOf(envelope, {}));
  const std::string_view rest = envelope.rest;
  if (JoinTorn(record, rest, cut)) return;
  Head head;
  if (!records.IsOpen(record)) {
    Count(Unparsed::kOrphan, cut);
  } else if (JoinOpening(record, rest, cut)) {
    return;
  } else if (rest.empty() || rest.starts_with('\t')) {
    records.ContinueOf(record, "\n", rest.substr(rest.empty() ? 0 : 1), cut);
  } else if (MatchBody(envelope, head) && !head.label.primary()) {
    const std::string_view text = envelope.body.substr(head.label_begin + head.label.size);
    records.Join(record, head.label.part, text, cut);
    if (text.empty() && !envelope.body.ends_with("  ")) half_label = record;
  } else {
    const bool blank = half_label == record && rest.starts_with(' ');
    half_label.clear();
    records.ContinueOf(record, "", rest.substr(blank ? 1 : 0), cut);
  }
}

// Keeps a line for those behind it. Where it has no record of its own, it is known by its process.
void TextForm::State::Keep(Begin& begin, const Envelope& envelope, std::string_view line) {
  begin.key = KeyOf(envelope, {});
  begin.line = line;
  begin.at = at;
  begin.body = static_cast<std::size_t>(envelope.body.data() - line.data());
  begin.chunk = envelope.chunk;
  begin.numbered = !envelope.record.empty();
}

// A name with a line feed spreads the head of a record over several pieces or lines.
bool TextForm::State::JoinTorn(const std::string& record, std::string_view rest, bool cut) {
  if (torn.key.empty() || torn.key != record) return false;
  if (mode != Mode::kPrefix) {
    ReleaseTorn();
    return false;
  }
  torn.line.append(1, '\n').append(rest);
  const std::string line = torn.line;
  const Envelope envelope = UnwrapKept(unwrap(line), line, torn.body, torn.chunk, torn.numbered);
  Head head;
  if (body_prefix->MatchStranger(envelope.body, true, head)) {
    torn.key.clear();
    ++stats.prefix_tried;
    ++stats.prefix_matched;
    TakeKept(torn, envelope, line, head, cut);
  } else if (line.size() > kMostBegin || !body_prefix->EndsInName(envelope.body)) {
    ReleaseTorn();
  }
  return true;
}

// Nothing proved that a name was torn apart. What came is one message if it fits.
void TextForm::State::ReleaseTorn() {
  if (torn.key.empty()) return;
  torn.key.clear();
  const std::string line = std::exchange(torn.line, {});
  const Envelope envelope = UnwrapKept(unwrap(line), line, torn.body, torn.chunk, torn.numbered);
  Head head;
  ++stats.prefix_tried;
  if (prefix && MatchBody(envelope, head)) {
    ++stats.prefix_matched;
    TakeKept(torn, envelope, line, head, false);
  } else {
    Count(Unparsed::kNoPrefix, false);
  }
}

// The same where the first piece looks like a complete head, since the name holds a label: then it
// opened no record.
bool TextForm::State::JoinOpening(const std::string& record, std::string_view rest, bool cut) {
  if (opening.key.empty() || opening.key != record || mode != Mode::kPrefix) return false;
  const std::size_t before = opening.line.size();
  if (before > kMostBegin ||
      !body_prefix->EndsInName(std::string_view(opening.line).substr(opening.body))) {
    opening.key.clear();
    return false;
  }
  opening.line.append(1, '\n').append(rest);
  const std::string line = opening.line;
  const Envelope envelope =
      UnwrapKept(unwrap(line), line, opening.body, opening.chunk, opening.numbered);
  Head head;
  if (!body_prefix->MatchStranger(envelope.body, false, head, before - opening.body)) return false;
  records.Drop(opening.record);
  opening.key.clear();
  TakeKept(opening, envelope, line, head, cut);
  return true;
}

// Takes a record that began with the lines that were kept.
void TextForm::State::TakeKept(const Begin& begin, const Envelope& envelope, std::string_view line,
                               const Head& head, bool cut) {
  const std::uint64_t line_at = at;
  At(begin.at);
  TakeBody(envelope, line, head, cut);
  At(line_at);
}

// ---- Records in one line ----

// A record whose lines all stand in `body`: its head is on the first unless a name tore it apart.
bool TextForm::State::MatchLines(std::string_view body, Head& head) {
  const std::string_view line = body.substr(0, body.find('\n'));
  if (line.size() == body.size()) return body_heads.Match(*body_prefix, body, head);
  if (body_prefix->EndsInName(line) && body_prefix->MatchStranger(body, false, head, line.size())) {
    return true;
  }
  return body_prefix->Match(line, head) || body_prefix->Match(body, head);
}

bool TextForm::State::MatchBody(const Envelope& envelope, Head& head) {
  if (!prefix || mode != Mode::kPrefix) {
    head = {};
    head.label = ParseLabel(envelope.body, LabelForm::kOneBlank);
    return head.label.found();
  }
  const bool first = envelope.chunk <= 1;
  if (!MatchLines(envelope.body, head)) {
    if (!first || SeverityOfLevel(envelope.level) == Severity::kNone) return false;
    if (!body_prefix->MatchWord(envelope.body, head)) return false;
    head.label.severity = SeverityOfLevel(envelope.level);
    return true;
  }
  // The server chose the level, a client may have chosen what looks like the label.
  if (first && envelope.level >= 0 && head.label.primary() &&
      LevelOf(head.label.severity) != envelope.level) {
    const std::vector<Head> readings = body_prefix->Readings(envelope.body);
    const auto fits = std::find_if(readings.begin(), readings.end(), [&](const Head& reading) {
      return reading.label.primary() && LevelOf(reading.label.severity) == envelope.level;
    });
    if (fits != readings.end()) head = *fits;
  }
  return true;
}

void TextForm::State::ReadWhole(const Envelope& envelope, std::string_view line, bool cut) {
  if (envelope.body.empty()) return;
  if (envelope.rest.starts_with('\t')) {
    if (!records.Continue("\n", envelope.rest.substr(1), cut)) Count(Unparsed::kOrphan, cut);
    return;
  }
  if (mode != Mode::kPrefix) {
    ReadLooseText(envelope, line, cut);
    return;
  }
  const bool carried = envelope.carrier == Carrier::kSyslog || envelope.chunk != 0;
  Head head;
  if (MatchBody(envelope, head)) {
    ++stats.prefix_tried;
    ++stats.prefix_matched;
    TakeBody(envelope, line, head, cut);
    if (carried && head.label.primary() && line.size() <= kMostBegin) {
      Keep(opening, envelope, line);
      opening.record = KeyOf(envelope, head.session);
      behind = Behind::kOpening;
    }
    return;
  }
  if (Doubt(line, cut)) return;
  if (carried && body_prefix->EndsInName(envelope.body)) {
    ReleaseTorn();
    Keep(torn, envelope, line);
    behind = Behind::kTorn;
    return;
  }
  ++stats.prefix_tried;
  Count(Unparsed::kNoPrefix, cut);
}

// Takes a record whose lines may all stand in this one, with their line feeds.
void TextForm::State::TakeBody(const Envelope& envelope, std::string_view line, const Head& head,
                               bool cut) {
  const std::string_view record = KeyOf(envelope, head.session);
  const std::string_view body = envelope.body;
  const std::size_t end =
      std::min(body.find('\n', head.label_begin + head.label.size), body.size());
  const std::size_t begin = static_cast<std::size_t>(body.data() - line.data());
  Take(line.substr(0, begin + end), body.substr(0, end), head, record, cut, &envelope);
  std::string_view rest = body.substr(end);
  while (rest.size() > 1) {
    rest.remove_prefix(1);
    Envelope inner;
    inner.body = inner.rest = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(inner.body.size());
    Head field;
    if (inner.body.starts_with('\t')) {
      records.ContinueOf(record, "\n", inner.body.substr(1), cut);
    } else if (MatchBody(inner, field) && !field.label.primary()) {
      records.Join(record, field.label.part,
                   inner.body.substr(field.label_begin + field.label.size), cut);
    } else {
      records.ContinueOf(record, "\n", inner.body, cut);
    }
  }
}

}  // namespace pgbeacon::log
