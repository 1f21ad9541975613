// The reader works in one of three modes.
//  - kHold: the form is not known. Lines are held until they tell it, or the bounds are reached, or
//    Flush() comes.
//  - kRead: the form has the bytes. Of a form that was found out, every so many bytes, it is asked
//    whether it made something of them.
//  - kToLineEnd: it did not: the form gets the rest of the line, then holding starts again.
// All of it depends on the bytes alone, not on how they were cut.
#include "logparse/reader.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "logparse/forms/csv.h"
#include "logparse/forms/detect_form.h"
#include "logparse/forms/json.h"
#include "logparse/forms/pgbouncer.h"
#include "logparse/forms/text.h"
#include "logparse/forms/wrapped.h"
#include "logparse/prefix.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMostHeld = std::size_t{64} << 10;  // bytes
constexpr std::size_t kMostLines = 200;
constexpr std::size_t kFirstCheck = std::size_t{4} << 10;  // bytes read before the first question
constexpr std::size_t kMostCheck = std::size_t{64} << 10;  // between questions
constexpr std::size_t kMostPatience = std::size_t{16} << 20;
constexpr std::uint64_t kLinesToJudge = 64;

std::uint64_t Failures(const ReaderStats& stats) {
  std::uint64_t sum = stats.unlabelled;
  for (const std::uint64_t count : stats.unparsed) sum += count;
  return sum;
}

}  // namespace

struct Reader::State {
  enum class Mode { kHold, kRead, kToLineEnd };

  State(ReaderOptions reader_options, Sink reader_sink)
      : options(std::move(reader_options)),
        sink(std::move(reader_sink)),
        held_at(options.from.begin()) {
    StartHolding();
    if (options.prefix && !Prefix::Compile(*options.prefix).ok()) options.prefix.reset();
    if (options.form != FormKind::kAuto && options.envelopes == 0) {
      Use({options.form, Wrapping::kNone, {}});
    }
  }

  void StartHolding() {
    mode = Mode::kHold;
    votes.emplace(options.envelopes > 0);
    votes_lines = voted = 0;
  }

  void Push(std::string_view bytes) {
    while (!bytes.empty()) {
      switch (mode) {
        case Mode::kHold:
          bytes.remove_prefix(Hold(bytes));
          break;
        case Mode::kToLineEnd: {
          const std::size_t feed = bytes.find('\n');
          const std::size_t size = feed == std::string_view::npos ? bytes.size() : feed + 1;
          form->Push(bytes.substr(0, size));
          bytes.remove_prefix(size);
          held_at += size;
          if (feed != std::string_view::npos) StartHolding();
          break;
        }
        case Mode::kRead: {
          const std::size_t size = std::min(bytes.size(), until_check);
          form->Push(bytes.substr(0, size));
          bytes.remove_prefix(size);
          held_at += size;
          until_check -= size;
          if (until_check == 0) Check();
          break;
        }
      }
    }
    Sum();
  }

  void Flush(bool end_of_input) {
    if (mode == Mode::kHold && (votes_lines > 0 || (end_of_input && !held.empty()))) {
      if (end_of_input) VoteForRest();
      Decide();
    }
    if (form) form->Flush(end_of_input);
    Sum();
  }

  void Age() {
    if (form) form->Age();
    Sum();
  }

  void Sum() {
    total = closed;
    if (form) total += form->stats();
  }

  // ---- Finding out ----

  // Holds bytes up to where a decision is due; tells how many.
  std::size_t Hold(std::string_view bytes) {
    const std::string_view room = bytes.substr(0, kMostHeld - held.size());
    std::size_t used = 0;
    while (used < room.size()) {
      const std::size_t feed = room.find('\n', used);
      const std::size_t end = feed == std::string_view::npos ? room.size() : feed + 1;
      held.append(room.substr(used, end - used));
      used = end;
      if (feed == std::string_view::npos) break;
      Vote(held.size() - 1, false);
      if (votes->Decided() || votes_lines >= kMostLines) {
        Decide();
        return used;
      }
    }
    if (held.size() >= kMostHeld) {
      VoteForRest();
      Decide();
    }
    return used;
  }

  // Lets the held line that ends at `end` vote.
  void Vote(std::size_t end, bool cut) {
    std::string_view line = std::string_view(held).substr(voted, end - voted);
    if (line.ends_with('\r')) line.remove_suffix(1);
    votes->Add(line, cut);
    ++votes_lines;
    voted = end + 1;
  }

  // Lets the last line vote, of which no more is awaited.
  void VoteForRest() {
    if (voted < held.size()) Vote(held.size(), !held.ends_with('}'));
  }

  void Decide() {
    FormChoice found = votes->Choose();
    if (options.form != FormKind::kAuto && found.wrapping == Wrapping::kNone) {
      found.form = options.form;
    }
    std::string bytes = std::exchange(held, {});
    votes.reset();
    if (form && found == choice) {
      window = std::min(window * 4, kMostPatience);  // the doubt came to nothing
    } else {
      if (form) {
        form->Flush(true);
        closed += form->stats();
        options.from = form->position();
      }
      Use(found);
    }
    mode = Mode::kRead;
    StartWindow();
    form->Push(bytes);
    held_at += bytes.size();
  }

  void Use(const FormChoice& found) {
    choice = found;
    window = kFirstCheck;
    mode = Mode::kRead;
    ReaderOptions inside = options;
    inside.form = choice.form;
    if (choice.wrapping != Wrapping::kNone) {
      inside.form = options.form;
      --inside.envelopes;
      form = std::make_unique<WrappedForm>(inside, sink, choice.wrapping, choice.envelope);
    } else if (choice.form == FormKind::kCsv) {
      form = std::make_unique<CsvForm>(inside, sink);
    } else if (choice.form == FormKind::kJson) {
      form = std::make_unique<JsonForm>(inside, sink);
    } else if (choice.form == FormKind::kPgbouncer) {
      form = std::make_unique<PgbouncerForm>(inside, sink);
    } else {
      // What is not another form is text, whose kinds the form tells apart by itself.
      if (options.form == FormKind::kAuto) inside.form = FormKind::kAuto;
      form = std::make_unique<TextForm>(inside, sink);
    }
    form->StartAt(held_at);
    form->CountFrom(options.from);
    StartWindow();
  }

  // ---- Doubting ----

  void StartWindow() {
    const bool told = options.form != FormKind::kAuto;
    until_check = told ? std::numeric_limits<std::size_t>::max() : window;
    lines_at_start = form->stats().lines;
    failures_at_start = Failures(form->stats());
  }

  void Check() {
    const ReaderStats& stats = form->stats();
    const std::uint64_t lines = stats.lines - lines_at_start;
    if (lines < kLinesToJudge) {
      until_check = window;
      return;
    }
    if ((Failures(stats) - failures_at_start) * 8 >= lines * 7) {
      mode = Mode::kToLineEnd;
      return;
    }
    window = std::max(window, std::min(window * 2, kMostCheck));
    StartWindow();
  }

  ReaderOptions options;
  const Sink sink;
  Mode mode = Mode::kHold;
  std::string held;
  std::uint64_t held_at;        // where it begins in the log, or what is pushed next
  std::size_t voted = 0;        // bytes of what is held
  std::size_t votes_lines = 0;  // lines of it
  std::optional<FormVotes> votes;
  FormChoice choice;
  std::unique_ptr<Form> form;
  std::size_t window = kFirstCheck, until_check = 0;
  std::uint64_t lines_at_start = 0, failures_at_start = 0;
  ReaderStats closed;  // of forms that are gone
  ReaderStats total;
  std::string envelope;
};

Reader::Reader(ReaderOptions options, Sink sink)
    : state_(std::make_unique<State>(std::move(options), std::move(sink))) {}
Reader::~Reader() = default;

void Reader::Push(std::string_view bytes) { state_->Push(bytes); }
void Reader::Flush(bool end_of_input) { state_->Flush(end_of_input); }
void Reader::Age() { state_->Age(); }

bool Reader::SetPrefix(std::string_view log_line_prefix) {
  if (!Prefix::Compile(log_line_prefix).ok()) return false;
  state_->options.prefix = log_line_prefix;
  state_->options.prefix_detected = false;
  if (state_->form) state_->form->SetPrefix(log_line_prefix);
  state_->Sum();
  return true;
}

std::optional<std::string> Reader::prefix() const {
  return state_->form ? state_->form->prefix() : state_->options.prefix;
}

FormKind Reader::form() const {
  if (!state_->form) return state_->options.form;
  if (const auto* wrapped = dynamic_cast<const WrappedForm*>(state_->form.get())) {
    return wrapped->kind();
  }
  if (const auto* text = dynamic_cast<const TextForm*>(state_->form.get())) return text->kind();
  return state_->choice.form;
}

std::string_view Reader::envelope() const {
  const auto* wrapped = dynamic_cast<const WrappedForm*>(state_->form.get());
  state_->envelope = wrapped != nullptr ? wrapped->envelope() : std::string();
  return state_->envelope;
}

ReadPosition Reader::position() const {
  if (state_->form) return state_->form->position();
  return state_->options.from;  // what is held was not read
}

void Reader::CountFrom(ReadPosition from) {
  state_->options.from = std::move(from);
  if (state_->form) state_->form->CountFrom(state_->options.from);
}

const ReaderStats& Reader::stats() const { return state_->total; }

}  // namespace pgbeacon::log
