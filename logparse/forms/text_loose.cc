// Lines of others in the stream of a server, and the lines of a log without a prefix.
#include "logparse/detect.h"
#include "logparse/forms/pgbouncer_line.h"
#include "logparse/forms/text_state.h"

namespace pgbeacon::log {
namespace {

// libpq shows the place of a syntax error on two further lines.
bool PointsAtError(std::string_view body) {
  return body == "^" ||
         (body.starts_with("LINE ") && body.substr(0, 16).find(": ") != std::string_view::npos);
}

}  // namespace

bool TextForm::State::UnwrapClientLine(const Envelope& envelope, Message& message) {
  key.clear();
  AppendProcess(envelope, key);
  return client_errors.Unwrap(key, envelope.body, taken, message);
}

// A line of the platform, of PgBouncer or of an application beside the server.
void TextForm::State::ReadForeign(const Envelope& envelope, std::string_view line, bool cut) {
  Message message;
  Describe(envelope, message);
  message.text = envelope.body;
  const bool syslog = envelope.carrier == Carrier::kSyslog;
  if (IsPoolerLine(envelope)) {
    DescribePooler(envelope.body, envelope.level, message);
  } else if (IsPlatformLine(envelope) && !syslog) {
    message.side = Side::kPlatform;
  } else if (!UnwrapClientLine(envelope, message)) {
    message.side = syslog ? Side::kPlatform : Side::kClient;
    const Label label = syslog ? Label() : ParseLabel(envelope.body, LabelForm::kOneBlank);
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

void TextForm::State::ReadLoose(std::string_view line, bool cut) {
  if (line.empty()) return;
  std::string unescaped;
  Envelope envelope = Open(line, unescaped);
  ReadLooseEnvelope(envelope, line, cut);
}

void TextForm::State::ReadLooseEnvelope(Envelope& envelope, std::string_view line, bool cut) {
  if (!envelope.from_server() || IsPlatformLine(envelope)) {
    ReadForeign(envelope, line, cut);
  } else if (envelope.carrier == Carrier::kSyslog || (envelope.present() && envelope.chunk != 0)) {
    ReadServer(envelope, line, cut);
  } else if (envelope.chunk > 1 && records.IsOpen(KeyOf(envelope, {}))) {
    ReadLaterPiece(envelope, cut);
  } else {
    ReadWhole(envelope, line, cut);
  }
  ReleaseHeld(false);
}

void TextForm::State::ReadLooseText(const Envelope& envelope, std::string_view line, bool cut) {
  Message message;
  Describe(envelope, message);
  Head head;
  head.label = ParseLabel(envelope.body, LabelForm::kOneBlank);
  if (UnwrapClientLine(envelope, message)) {
    records.Open(KeyOf(envelope, {}), line, message, cut);
  } else if (head.label.found()) {
    if (kind == FormKind::kAuto && mode == Mode::kLoose) kind = FormKind::kStderr;
    TakeBody(envelope, line, head, cut);
  } else if (PointsAtError(envelope.body) && records.HasLast()) {
    records.Continue("\n", envelope.rest, cut);
  } else if (mode == Mode::kLoose && Doubt(line, cut)) {
    return;
  } else if (HasLabel(envelope.body)) {
    Count(Unparsed::kNoPrefix, cut);  // a server's line whose prefix could not be made out
  } else {
    message.severity = SeverityOfLevel(envelope.level);
    message.labelled = message.severity != Severity::kNone;
    message.text = envelope.body;
    records.Open(KeyOf(envelope, {}), line, message, cut);
  }
}

}  // namespace pgbeacon::log
