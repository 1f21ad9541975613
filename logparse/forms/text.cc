// The modes of the form, and the detection of its prefix.
#include "logparse/forms/text.h"

#include <algorithm>
#include <utility>

#include "logparse/detect.h"
#include "logparse/forms/text_state.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHeadRoom = 4096;  // of a line, above record_bytes, for its prefix
constexpr std::size_t kMostWaiting = std::size_t{256} << 10;  // bytes of pieces that came early
constexpr std::size_t kSampleBytes = 1024;                    // of a line that shows a prefix

// A head that a name tore apart is held as one.
std::uint64_t LinesIn(std::string_view line) {
  return 1 + static_cast<std::uint64_t>(std::count(line.begin(), line.end(), '\n'));
}

}  // namespace

TextForm::State::State(ReaderOptions reader_options, ReaderStats& reader_stats,
                       Resume& reader_resume, Sink sink)
    : options(std::move(reader_options)),
      stats(reader_stats),
      resume(reader_resume),
      splitter(options.record_bytes + kHeadRoom),
      records(options.record_bytes, options.open_bytes, std::move(sink)),
      chunks(std::min(kMostWaiting, options.open_bytes)) {
  if (options.form == FormKind::kStderr) enveloped = false;
  if (options.form == FormKind::kSyslog || options.form == FormKind::kHeroku) enveloped = true;
  if (enveloped) kind = options.form;
  if (options.prefix) told = SetPrefix(*options.prefix) && !options.prefix_detected;
  records.DeliverBy(resume);
}

bool TextForm::State::SetPrefix(std::string_view text) {
  Result<Prefix> compiled = Prefix::Compile(text);
  if (!compiled.ok()) return false;
  Use(std::move(compiled).value());
  told = true;
  mode = Mode::kPrefix;
  sample.clear();
  Replay();
  return true;
}

void TextForm::State::Use(Prefix found) {
  const std::string& text = found.text();
  Result<Prefix> trimmed =
      Prefix::Compile(text.substr(std::min(text.find_first_not_of(' '), text.size())));
  body_prefix = trimmed.ok() ? std::move(trimmed).value() : found;
  body_prefix->AllowLineFeeds();
  prefix = std::move(found);
  heads.Clear();
  body_heads.Clear();
}

// Reads all that waits and delivers what is open.
void TextForm::State::Release(std::uint64_t lines_to) {
  TryCross(lines_to);
  while (!held.empty() || !name_head.empty()) {
    ReleaseName();
    if (!held.empty()) Decide();
  }
  TryCross(lines_to);
  ReleaseHeld(true);
  ReleaseTorn();
  opening.key.clear();
  records.Flush();
  heads.Clear();  // an idle form is small
  body_heads.Clear();
}

void TextForm::State::Age() {
  records.Age();
  if (!opening.key.empty() && !records.IsOpen(opening.record)) opening.key.clear();
}

void TextForm::State::OnLine(std::string_view line, bool cut, std::uint64_t offset) {
  if (taken++ % LineMarks::kLines == 0) marks.Add(offset);
  if (!resume.crossed()) TryCross(offset);
  At(offset);
  if (mode == Mode::kHold) {
    Hold(line, cut);
    return;
  }
  ++stats.lines;
  Read(line, cut);
}

// Of a line that was taken for read before.
void TextForm::State::HoldOrRead(std::string_view line, bool cut) {
  if (mode == Mode::kHold) {
    stats.lines -= LinesIn(line);
    Hold(line, cut);
  } else {
    Read(line, cut);
  }
}

void TextForm::State::Read(std::string_view line, bool cut) {
  if (mode == Mode::kLoose) {
    ReadLoose(line, cut);
  } else if (IsEnveloped(line)) {
    ReadEnveloped(line, cut);
  } else {
    ReadPlain(line, cut);
  }
}

// Whether the log's lines come in envelopes: the first line that tells says it for all.
bool TextForm::State::IsEnveloped(std::string_view line) {
  if (enveloped) return *enveloped;
  Head head;
  if (prefix->Match(line, head)) {
    // A secondary line may be the rest of a record that a daemon printed with raw line feeds.
    if (!head.label.primary()) return false;
    enveloped = false;
    kind = FormKind::kStderr;
  } else if (Unwrap(line).present()) {
    enveloped = true;
  }
  return enveloped.value_or(false);
}

void TextForm::State::Hold(std::string_view line, bool cut) {
  held.Add(line, cut, at);
  if (held.Enough()) Decide();
}

void TextForm::State::Decide() {
  const std::vector<std::string_view> bodies = held.Bodies();
  if (bodies.empty()) {
    if (prefix) mode = Mode::kPrefix;
  } else {
    Detected detected = DetectPrefix(bodies, sample, prefix ? &*prefix : nullptr);
    if (detected.prefix && (!prefix || prefix->text() != detected.prefix->text())) {
      Use(*std::move(detected.prefix));
      patience = kFirstPatience;
      const bool forced = options.form == kind && kind != FormKind::kAuto;
      if (!forced) enveloped = held.Enveloped();
      sample.clear();
    } else {
      doubt_from = taken + patience;
      patience = std::min(patience * 2, kMostPatience);
    }
    mode = prefix ? Mode::kPrefix : Mode::kLoose;
    Head head;
    for (std::string_view body : bodies) {
      const bool fits = prefix && sample.size() < HeldLines::kLabels && prefix->Match(body, head);
      if (fits) sample.emplace_back(body.substr(0, kSampleBytes));
    }
  }
  Replay();
}

// Reads the held lines in the mode that was decided on.
void TextForm::State::Replay() {
  const HeldLines lines = std::exchange(held, HeldLines(unwrap));
  replaying = true;
  lines.ForEach([this](std::string_view line, bool cut, std::uint64_t offset) {
    if (!resume.crossed()) TryCross(offset);
    At(offset);
    stats.lines += LinesIn(line);
    mode == Mode::kHold ? ReadLoose(line, cut) : Read(line, cut);
  });
  replaying = false;
}

// Whether `line` was held instead of read because it speaks against what was detected.
bool TextForm::State::Doubt(std::string_view line, bool cut) {
  if (told || replaying || taken < doubt_from || !HasLabel(line)) return false;
  mode = Mode::kHold;
  stats.lines -= LinesIn(line);
  Hold(line, cut);
  return true;
}

void TextForm::State::Count(Unparsed reason, bool cut) {
  if (cut) reason = Unparsed::kTooLong;
  ++stats.unparsed[static_cast<std::size_t>(reason)];
  records.ForgetLast();
}

TextForm::TextForm(ReaderOptions options, Sink sink)
    : Form(options.from),
      state_(std::make_unique<State>(std::move(options), stats_, resume_, std::move(sink))) {}
TextForm::~TextForm() = default;

void TextForm::Push(std::string_view bytes) {
  const std::uint64_t offset = Advance(bytes);
  state_->records.Lend(bytes);
  state_->splitter.Push(bytes, offset, [this](std::string_view line, bool cut, std::uint64_t at) {
    state_->OnLine(line, cut, at);
  });
  state_->records.TakeBack();
  Sum();
}

void TextForm::Flush(bool end_of_input) {
  if (end_of_input) {
    state_->splitter.Flush([this](std::string_view line, bool cut, std::uint64_t at) {
      state_->OnLine(line, cut, at);
    });
  }
  state_->Release(LinesTo());
  Sum();
}

void TextForm::Age() {
  state_->Age();
  Sum();
}

bool TextForm::SetPrefix(std::string_view log_line_prefix) {
  const bool valid = state_->SetPrefix(log_line_prefix);
  Sum();
  return valid;
}

ReadPosition TextForm::position() const { return state_->Position(LinesTo()); }

void TextForm::CountFrom(ReadPosition from) {
  Form::CountFrom(std::move(from));
  Sum();
}

std::uint64_t TextForm::LinesTo() const { return state_->splitter.LinesTo(pushed_to()); }

void TextForm::Sum() {
  state_->Sum(LinesTo());
  stats_.bytes = BytesTo(state_->ReadTo(LinesTo()));
}

std::optional<std::string> TextForm::prefix() const {
  return state_->prefix ? std::optional(state_->prefix->text()) : std::nullopt;
}

FormKind TextForm::kind() const {
  if (state_->kind != FormKind::kAuto || state_->mode == State::Mode::kHold) return state_->kind;
  return state_->prefix ? FormKind::kStderr : FormKind::kAuto;
}

}  // namespace pgbeacon::log
