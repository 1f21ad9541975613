#include "logparse/forms/wrapped.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "logparse/reader.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHeadRoom = 4096;  // of a line, above record_bytes, for its envelope
constexpr std::size_t kFirstPrune = 4096;

ReaderOptions Inside(ReaderOptions options) {
  options.from = {};
  return options;
}

}  // namespace

WrappedForm::WrappedForm(const ReaderOptions& options, Sink sink, Wrapping wrapping,
                         std::string name)
    : Form(options.from),
      sink_(std::move(sink)),
      wrapping_(wrapping),
      name_(std::move(name)),
      record_bytes_(options.record_bytes),
      splitter_(options.record_bytes + kHeadRoom),
      inner_(std::make_unique<Reader>(Inside(options),
                                      [this](const Message& message) { Forward(message); })),
      prune_at_(kFirstPrune) {
  WrappedForm::CountFrom(options.from);
}

WrappedForm::~WrappedForm() = default;

void WrappedForm::Push(std::string_view bytes) {
  splitter_.Push(bytes, Advance(bytes), [&](std::string_view line, bool cut, std::uint64_t at) {
    OnLine(line, cut, at, bytes);
  });
  Sum();
}

void WrappedForm::Flush(bool end_of_input) {
  if (end_of_input) {
    splitter_.Flush(
        [this](std::string_view line, bool cut, std::uint64_t at) { OnLine(line, cut, at, {}); });
  }
  TryCross(LinesTo());
  if (end_of_input) {
    for (Partial& partial : partial_) {
      if (!partial.text.empty()) PushInside(partial);
    }
  }
  inner_->Flush(end_of_input);
  Sum();
}

void WrappedForm::Age() {
  inner_->Age();
  Sum();
}

bool WrappedForm::SetPrefix(std::string_view log_line_prefix) {
  return inner_->SetPrefix(log_line_prefix);
}

std::optional<std::string> WrappedForm::prefix() const { return inner_->prefix(); }

FormKind WrappedForm::kind() const { return records_ ? FormKind::kJson : inner_->form(); }

std::string WrappedForm::envelope() const {
  const std::string_view inside = inner_->envelope();
  return inside.empty() ? name_ : name_ + '+' + std::string(inside);
}

void WrappedForm::OnLine(std::string_view line, bool cut, std::uint64_t at,
                         std::string_view block) {
  TryCross(at);
  at_ = at;
  ++own_.lines;
  if (line.empty()) return;
  wrapping_ == Wrapping::kCri ? ReadCri(line, cut) : ReadJson(line, cut, block);
}

void WrappedForm::ReadCri(std::string_view line, bool cut) {
  CriLine cri;
  if (!ParseCri(line, cri)) return Bad(cut);
  if (time_.empty()) time_ = cri.time;
  Unwrapped(cri.text, cri.stream, cri.partial);
  if (cut) ++own_.cut;
  time_ = cri.time;
}

void WrappedForm::ReadJson(std::string_view line, bool cut, std::string_view block) {
  JsonLine& json = cut ? json_.ReadCut(line) : json_.Read(line, RoomBehind(line, block));
  if (time_.empty()) time_ = json.time;
  switch (json.kind) {
    case JsonLine::Kind::kBad:
    case JsonLine::Kind::kOther:
      return Bad(cut);
    case JsonLine::Kind::kText:
      Unwrapped(json.text, json.stream, json.partial);
      if (cut) ++own_.cut;
      break;
    case JsonLine::Kind::kRecord:
      records_ = true;
      Deliver(json.message, cut);
      break;
    case JsonLine::Kind::kPlatform:
      Deliver(json.message, cut);
      break;
  }
  time_ = json.time;
}

/// Hands a line to the reader inside, when it is whole.
void WrappedForm::Unwrapped(std::string_view text, std::string_view stream, bool partial) {
  Partial& line = partial_[stream == "stdout" ? 1 : 0];
  if (!std::exchange(line.begun, true)) line.at = at_;
  line.text.append(text.substr(0, record_bytes_ + kHeadRoom - line.text.size()));
  if (!partial) PushInside(line);
}

void WrappedForm::PushInside(Partial& line) {
  line.text += '\n';
  Counts before = own_;
  --before.lines;
  std::size_t begin = 0;
  while (begin < line.text.size()) {  // what is one line outside may be several
    places_.push_back({inside_to_ + begin, line.at, at_, before});
    begin = line.text.find('\n', begin) + 1;
  }
  inside_to_ += line.text.size();
  inner_->Push(line.text);
  line.text.clear();
  line.begun = false;
  if (places_.size() >= prune_at_) Prune();
}

void WrappedForm::Deliver(Message& message, bool cut) {
  if (!resume_.Take(at_)) return;
  direct_to_ = at_ + 1;
  ++direct_.messages;
  if (!message.labelled && message.side == Side::kServer) ++direct_.unlabelled;
  if (cut) ++direct_.truncated;
  message.truncated = cut;
  message.offset = at_;
  sink_(message);
}

/// Takes a message from the reader inside.
void WrappedForm::Forward(const Message& message) {
  Message outside = message;
  const Place* const place = PlaceOf(message.offset);
  outside.offset = place != nullptr ? place->outside : at_;
  if (message.time.empty()) outside.time = time_;
  sink_(outside);
}

void WrappedForm::Bad(bool cut) { ++(cut ? own_.too_long : own_.bad); }

// ---- Positions ----

/// Of the line inside that the byte belongs to; null when it was forgotten.
const WrappedForm::Place* WrappedForm::PlaceOf(std::uint64_t inside) const {
  const auto next =
      std::upper_bound(places_.begin(), places_.end(), inside,
                       [](std::uint64_t value, const Place& p) { return value < p.inside; });
  return next == places_.begin() ? nullptr : &*std::prev(next);
}

/// The first of the lines that the reader inside holds back, if all can be read again from where
/// that was completed: null when it holds none, or a line behind that was a message itself.
const WrappedForm::Place* WrappedForm::Waiting(const ReadPosition& inside) const {
  if (inside.end >= inside_to_) return nullptr;
  const Place* const place = PlaceOf(inside.end);
  const bool last = place != nullptr && place->completed >= std::max(direct_to_, resume_.end());
  return last ? place : nullptr;
}

ReadPosition WrappedForm::position() const {
  if (!resume_.crossed()) return resume_.left();
  const ReadPosition inside = inner_->position();
  const Place* const waiting = Waiting(inside);
  ReadPosition position{.end = waiting != nullptr ? waiting->completed : LinesTo()};
  std::vector<std::uint64_t>& open = position.open;
  const auto add = [&](std::uint64_t begin) {
    if (begin < position.end) open.push_back(begin);
  };
  const auto add_place = [&](const Place* place) {
    if (place != nullptr) add(place->outside);
  };
  for (const std::uint64_t begin : inside.open) add_place(PlaceOf(begin));
  for (auto place = places_.rbegin(); place != places_.rend() && place->inside >= inside.end;
       ++place) {
    add(place->outside);
  }
  for (const Partial& partial : partial_) {
    if (partial.begun) add(partial.at);
  }
  std::sort(open.begin(), open.end());
  open.erase(std::unique(open.begin(), open.end()), open.end());
  const Place* const since = PlaceOf(inside.begin());
  if (since != nullptr && inside.begin() < inside.end) {
    position.since = std::min(since->outside, position.begin());
  }
  return position;
}

void WrappedForm::CountFrom(ReadPosition from) {
  Form::CountFrom(from);
  // Until `from` is reached nothing counts inside.
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  if (from.end > pushed_to()) inner_->CountFrom({.end = kNever, .open = {}, .since = {}});
}

/// Begins to count if `offset`, up to which all was read, is behind what was counted before.
void WrappedForm::TryCross(std::uint64_t offset) {
  if (!resume_.Crosses(offset)) return;
  ReadPosition inside{.end = inside_to_};
  for (const Place& place : places_) {
    if (resume_.Awaits(place.outside)) inside.open.push_back(place.inside);
  }
  inner_->CountFrom(std::move(inside));
  own_ = {};
}

/// Forgets the places that nobody asks for any more.
void WrappedForm::Prune() {
  if (!resume_.crossed()) return;
  const ReadPosition inside = inner_->position();
  std::vector<std::uint64_t> asked = inside.open;
  asked.insert(asked.begin(), inside.begin());
  std::deque<Place> kept;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const std::uint64_t next = i + 1 < places_.size() ? places_[i + 1].inside : inside_to_;
    const auto first = std::lower_bound(asked.begin(), asked.end(), places_[i].inside);
    const bool is_asked = first != asked.end() && *first < next;
    if (is_asked || next > inside.end) kept.push_back(places_[i]);
  }
  places_ = std::move(kept);
  prune_at_ = std::max(kFirstPrune, places_.size() * 2);
}

void WrappedForm::Sum() {
  TryCross(LinesTo());
  if (!resume_.crossed()) own_ = {};
  const Place* const waiting = Waiting(inner_->position());
  const Counts& own = waiting != nullptr ? waiting->before : own_;
  stats_ = inner_->stats();
  stats_ += direct_;
  stats_.bytes = BytesTo(waiting != nullptr ? waiting->completed : LinesTo());
  stats_.lines = own.lines;
  stats_.truncated += own.cut;
  const Unparsed bad = wrapping_ == Wrapping::kJson ? Unparsed::kBadJson : Unparsed::kNoPrefix;
  stats_.unparsed[static_cast<std::size_t>(bad)] += own.bad;
  stats_.unparsed[static_cast<std::size_t>(Unparsed::kTooLong)] += own.too_long;
}

}  // namespace pgbeacon::log
