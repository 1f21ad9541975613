// The reader works in one of three modes.
//  - kHold: the prefix is not known yet. Lines are held until enough of them have labels, the
//  bounds
//    are reached or Flush() comes; then a prefix is detected and they are read.
//  - kPrefix: only a line whose head fits the prefix opens or joins a record.
//  - kLoose: the log has no prefix, or none that can be made out. Lines speak for themselves.
// A detected prefix that a labelled line does not fit is doubted: holding starts again, so that a
// prefix which also fits the new line can take over. A configured one is never doubted.
#include "logparse/reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "logparse/client.h"
#include "logparse/detect.h"
#include "logparse/envelope.h"
#include "logparse/held.h"
#include "logparse/lines.h"
#include "logparse/prefix.h"
#include "logparse/records.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHeadRoom = 4096;       // of a line, above record_bytes, for its prefix
constexpr std::size_t kMostNameHead = 1024;   // of a head that names with line feeds spread out
constexpr std::uint64_t kFirstPatience = 64;  // lines without doubt after a doubt came to nothing
constexpr std::uint64_t kMostPatience = 16384;

}  // namespace

std::string_view UnparsedName(Unparsed reason) {
  constexpr std::array<std::string_view, kUnparsedReasons> kNames = {"no_prefix", "too_long",
                                                                     "orphan"};
  return kNames[static_cast<std::size_t>(reason)];
}

struct Reader::State {
  enum class Mode { kHold, kPrefix, kLoose };

  State(ReaderOptions reader_options, Sink sink)
      : options(std::move(reader_options)),
        splitter(options.record_bytes + kHeadRoom),
        records(options.record_bytes, options.open_bytes, std::move(sink)) {
    if (options.prefix) SetPrefix(*options.prefix);
  }

  bool SetPrefix(std::string_view text) {
    Result<Prefix> compiled = Prefix::Compile(text);
    if (!compiled.ok()) return false;
    prefix = std::move(compiled).value();
    told = true;
    mode = Mode::kPrefix;
    sample.clear();
    Replay();
    return true;
  }

  void Push(std::string_view bytes) {
    stats.bytes += bytes.size();
    splitter.Push(bytes, [this](std::string_view line, bool cut) { OnLine(line, cut); });
    Sum();
  }

  void Flush(bool end_of_input) {
    if (end_of_input) {
      splitter.Flush([this](std::string_view line, bool cut) { OnLine(line, cut); });
    }
    while (!held.empty() || !name_head.empty()) {
      ReleaseName();
      if (!held.empty()) Decide();
    }
    records.Flush();
    Sum();
  }

  void Sum() {
    stats.messages = records.delivered();
    stats.unlabelled = records.unlabelled();
    stats.truncated = records.truncated();
  }

  void OnLine(std::string_view line, bool cut) {
    ++stats.lines;
    HoldOrRead(line, cut);
  }

  void HoldOrRead(std::string_view line, bool cut) {
    if (mode == Mode::kHold) {
      Hold(line, cut);
    } else {
      Read(line, cut);
    }
  }

  void Read(std::string_view line, bool cut) {
    if (mode == Mode::kLoose) {
      ReadLoose(line, cut);
      return;
    }
    if (!enveloped.has_value()) {
      if (line.empty()) return;
      enveloped = Unwrap(line).present();
    }
    *enveloped ? ReadEnveloped(line, cut) : ReadPlain(line, cut);
  }

  void Count(Unparsed reason, bool cut) {
    if (cut) reason = Unparsed::kTooLong;
    ++stats.unparsed[static_cast<std::size_t>(reason)];
    records.ForgetLast();
  }

  // ---- Detection ----

  void Hold(std::string_view line, bool cut) {
    held.Add(line, cut);
    if (held.Enough()) Decide();
  }

  void Decide() {
    const std::vector<std::string_view> bodies = held.Bodies();
    if (bodies.empty()) {
      if (prefix) mode = Mode::kPrefix;
    } else {
      Detected detected = DetectPrefix(bodies, sample, prefix ? &*prefix : nullptr);
      if (detected.prefix && (!prefix || prefix->text() != detected.prefix->text())) {
        prefix = std::move(detected.prefix);
        patience = kFirstPatience;
        enveloped = held.Enveloped();
        sample.clear();
      } else {
        doubt_from = stats.lines + patience;
        patience = std::min(patience * 2, kMostPatience);
      }
      mode = prefix ? Mode::kPrefix : Mode::kLoose;
      Head head;
      for (std::string_view body : bodies) {
        const bool fits = prefix && sample.size() < HeldLines::kLabels && prefix->Match(body, head);
        if (fits) sample.emplace_back(body);
      }
    }
    Replay();
  }

  // Reads the held lines in the mode that was decided on.
  void Replay() {
    const HeldLines lines = std::exchange(held, {});
    replaying = true;
    lines.ForEach([this](std::string_view line, bool cut) {
      mode == Mode::kHold ? ReadLoose(line, cut) : Read(line, cut);
    });
    replaying = false;
  }

  // Whether `line` was held instead of read because it speaks against what was detected.
  bool Doubt(std::string_view line, bool cut) {
    if (told || replaying || stats.lines < doubt_from || !HasLabel(line)) return false;
    mode = Mode::kHold;
    Hold(line, cut);
    return true;
  }

  // ---- Lines of a log with a known prefix ----

  bool Match(std::string_view line, Head& head) const {
    if (!prefix->Match(line, head)) return false;
    if (head.doubtful) Settle(line, head);
    return true;
  }

  // A session keeps its user and database, and mostly its application: of several ways to read a
  // line the one that goes on with these is right.
  void Settle(std::string_view line, Head& head) const {
    const Records::Names names = records.NamesOf(head.session);
    if (names.user.empty() && names.database.empty()) return;
    const auto same_session = [&](const Head& reading) {
      return reading.user == names.user && reading.database == names.database;
    };
    const std::vector<Head> readings = prefix->Readings(line);
    const auto same = std::find_if(readings.begin(), readings.end(), [&](const Head& reading) {
      return same_session(reading) && reading.application == names.application;
    });
    if (same != readings.end()) {
      head = *same;
    } else if (!same_session(head)) {
      const auto fits = std::find_if(readings.begin(), readings.end(), same_session);
      if (fits != readings.end()) head = *fits;
    }
  }

  void ReadPlain(std::string_view line, bool cut) {
    if (!name_head.empty()) {
      if (JoinName(line, cut)) return;
      ReleaseName();
      HoldOrRead(line, cut);
      return;
    }
    if (line.empty()) return;
    if (line[0] == '\t') {
      if (!records.Continue("\n", line.substr(1), cut)) Count(Unparsed::kOrphan, cut);
      return;
    }
    Head head;
    if (Match(line, head)) {
      ++stats.prefix_tried;
      ++stats.prefix_matched;
      Take(line, line, head, head.session, cut);
      return;
    }
    if (Doubt(line, cut)) return;
    ++stats.prefix_tried;
    if (line.size() <= kMostNameHead && prefix->EndsInName(line)) {
      name_head = line;
      return;
    }
    Unmatched(line, cut);
  }

  // A user or database name with line feeds tears a head apart; what follows is no line of its own,
  // however much it looks like one.
  bool JoinName(std::string_view line, bool cut) {
    if (line.starts_with('\t')) return false;
    std::string joined = name_head + '\n';
    joined += line;
    Head head;
    if (Match(joined, head)) {
      name_head.clear();
      ++stats.prefix_matched;
      Take(joined, joined, head, head.session, cut);
      return true;
    }
    if (joined.size() > kMostNameHead || !prefix->EndsInName(joined)) return false;
    name_head = std::move(joined);
    return true;
  }

  // It was no torn name: its first line does not fit, the others are lines of their own.
  void ReleaseName() {
    const std::string lines = std::exchange(name_head, {});
    std::string_view rest = lines;
    bool first = true;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      first ? Unmatched(rest.substr(0, end), false) : HoldOrRead(rest.substr(0, end), false);
      rest.remove_prefix(std::min(rest.size(), end + 1));
      first = false;
    }
  }

  void Unmatched(std::string_view line, bool cut) {
    if (!records.Continue("\n", line, cut)) Count(Unparsed::kNoPrefix, cut);
  }

  // Takes a line apart that `head` fits at the begin of `body`, which lies in `line`.
  void Take(std::string_view line, std::string_view body, const Head& head, std::string_view key,
            bool cut, const Envelope* envelope = nullptr) {
    std::string_view text = body.substr(head.label_begin + head.label.size);
    if (!head.label.primary()) {
      if (!records.Join(key, head.label.part, text, cut)) Count(Unparsed::kOrphan, cut);
      return;
    }
    Message message;
    message.sqlstate = head.sqlstate;
    const std::string_view code = LeadingSqlstate(text);
    if (!code.empty() && (head.sqlstate.empty() || head.sqlstate == code)) {
      message.sqlstate = code;
      text.remove_prefix(7);
    }
    if (envelope != nullptr) Describe(*envelope, message);
    message.severity = head.label.severity;
    message.labelled = true;
    if (!head.time.empty()) message.time = head.time;
    message.pid = head.pid;
    message.session = head.session;
    if (!head.user.empty()) message.user = head.user;
    message.database = head.database;
    message.application = head.application;
    message.text = text;
    records.Open(key, line, message, cut);
  }

  // ---- Lines in envelopes and lines without a prefix ----

  static void Describe(const Envelope& envelope, Message& message) {
    message.time = envelope.time;
    message.source = envelope.source;
    message.process = envelope.process;
    message.color = envelope.color;
    message.user = envelope.user;
  }

  // Records of one process are told apart by their number where the transport prints it.
  std::string_view KeyOf(const Envelope& envelope, std::string_view session) {
    if (envelope.chunk == 0 && !session.empty()) return session;
    key.assign(envelope.source).append(1, '[').append(envelope.process).append(1, ']');
    if (envelope.chunk != 0) key.append(envelope.color).append(1, '#').append(envelope.record);
    return key;
  }

  // Takes a line that cannot open a record: a later chunk of one that is open, or a continuation.
  bool ReadContinuation(const Envelope& envelope, bool cut) {
    if (envelope.chunk > 1) {
      const std::string_view of = KeyOf(envelope, {});
      if (!records.IsOpen(of)) return false;
      if (envelope.rest.starts_with('\t')) {
        return records.ContinueOf(of, "\n", envelope.rest.substr(1), cut);
      }
      Head head;
      if (MatchBody(envelope.body, head) && !head.label.primary()) {
        return records.Join(of, head.label.part,
                            envelope.body.substr(head.label_begin + head.label.size), cut);
      }
      return records.ContinueOf(of, "", envelope.rest, cut);
    }
    if (!envelope.rest.starts_with('\t')) return false;
    if (!records.Continue("\n", envelope.rest.substr(1), cut)) Count(Unparsed::kOrphan, cut);
    return true;
  }

  bool MatchBody(std::string_view body, Head& head) const {
    if (prefix && mode == Mode::kPrefix) return prefix->Match(body, head);
    head = {};
    head.label = ParseLabel(body, LabelForm::kOneBlank);
    return head.label.found();
  }

  void ReadEnveloped(std::string_view line, bool cut) {
    const Envelope envelope = Unwrap(line);
    if (!envelope.from_server() || IsPlatformLine(envelope)) {
      ReadForeign(envelope, line, cut);
      return;
    }
    if (envelope.body.empty() || ReadContinuation(envelope, cut)) return;
    Head head;
    if (prefix->Match(envelope.body, head)) {
      ++stats.prefix_tried;
      ++stats.prefix_matched;
      Take(line, envelope.body, head, KeyOf(envelope, head.session), cut, &envelope);
      return;
    }
    if (Doubt(line, cut)) return;
    ++stats.prefix_tried;
    if (!envelope.present()) return Unmatched(line, cut);
    Count(Unparsed::kNoPrefix, cut);
  }

  // A line of the platform or of an application beside the server.
  void ReadForeign(const Envelope& envelope, std::string_view line, bool cut) {
    Message message;
    Describe(envelope, message);
    message.text = envelope.body;
    if (IsPlatformLine(envelope)) {
      message.side = Side::kPlatform;
    } else if (!UnwrapClient(envelope.body, message)) {
      message.side = Side::kClient;
      const Label label = ParseLabel(envelope.body, LabelForm::kOneBlank);
      const std::string_view text = envelope.body.substr(label.size);
      if (label.found() && !label.primary() &&
          records.Join(KeyOf(envelope, {}), label.part, text, cut)) {
        return;
      }
      if (label.primary()) {
        message.severity = label.severity;
        message.labelled = true;
        message.text = text;
      }
    }
    records.Open(KeyOf(envelope, {}), line, message, cut);
  }

  // libpq shows the place of a syntax error on two further lines.
  static bool PointsAtError(std::string_view body) {
    return body == "^" ||
           (body.starts_with("LINE ") && body.substr(0, 16).find(": ") != std::string_view::npos);
  }

  void ReadLoose(std::string_view line, bool cut) {
    const Envelope envelope = Unwrap(line);
    if (!envelope.from_server() || IsPlatformLine(envelope)) {
      if (!line.empty()) ReadForeign(envelope, line, cut);
      return;
    }
    if (envelope.body.empty() || ReadContinuation(envelope, cut)) return;
    Message message;
    Describe(envelope, message);
    const Label label = ParseLabel(envelope.body, LabelForm::kOneBlank);
    const std::string_view of = KeyOf(envelope, {});
    if (UnwrapClient(envelope.body, message)) {
      records.Open(of, line, message, cut);
    } else if (label.found()) {
      Head head;
      head.label = label;
      Take(line, envelope.body, head, of, cut, &envelope);
    } else if (PointsAtError(envelope.body) && records.HasLast()) {
      records.Continue("\n", envelope.rest, cut);
    } else if (mode == Mode::kLoose && Doubt(line, cut)) {
      return;
    } else if (HasLabel(envelope.body)) {
      Count(Unparsed::kNoPrefix, cut);  // a server's line whose prefix could not be made out
    } else {
      message.text = envelope.body;
      records.Open(of, line, message, cut);
    }
  }

  const ReaderOptions options;
  ReaderStats stats;
  LineSplitter splitter;
  Records records;
  Mode mode = Mode::kHold;
  std::optional<Prefix> prefix;
  bool told = false;              // configured or set, not detected
  std::optional<bool> enveloped;  // whether the server's lines come in envelopes
  HeldLines held;
  bool replaying = false;
  std::vector<std::string> sample;  // lines that the detected prefix fits
  std::uint64_t doubt_from = 0, patience = kFirstPatience;
  std::string name_head;  // lines of a head that a name with line feeds spreads out
  std::string key;
};

Reader::Reader(ReaderOptions options, Sink sink)
    : state_(std::make_unique<State>(std::move(options), std::move(sink))) {}
Reader::~Reader() = default;

void Reader::Push(std::string_view bytes) { state_->Push(bytes); }
void Reader::Flush(bool end_of_input) { state_->Flush(end_of_input); }
bool Reader::SetPrefix(std::string_view log_line_prefix) {
  return state_->SetPrefix(log_line_prefix);
}

std::optional<std::string> Reader::prefix() const {
  return state_->prefix ? std::optional(state_->prefix->text()) : std::nullopt;
}

const ReaderStats& Reader::stats() const { return state_->stats; }

}  // namespace pgbeacon::log
