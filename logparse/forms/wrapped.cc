#include "logparse/forms/wrapped.h"

#include <algorithm>
#include <utility>

#include "logparse/reader.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHeadRoom = 4096;  // of a line, above record_bytes, for its envelope

}  // namespace

WrappedForm::WrappedForm(const ReaderOptions& options, Sink sink, Wrapping wrapping,
                         std::string name)
    : sink_(std::move(sink)),
      wrapping_(wrapping),
      name_(std::move(name)),
      record_bytes_(options.record_bytes),
      splitter_(options.record_bytes + kHeadRoom),
      inner_(std::make_unique<Reader>(options,
                                      [this](const Message& message) { Forward(message); })) {}

WrappedForm::~WrappedForm() = default;

void WrappedForm::Push(std::string_view bytes) {
  own_.bytes += bytes.size();
  splitter_.Push(bytes, [&](std::string_view line, bool cut) { Read(line, cut, bytes); });
  Sum();
}

void WrappedForm::Flush(bool end_of_input) {
  if (end_of_input) {
    splitter_.Flush([this](std::string_view line, bool cut) { Read(line, cut, {}); });
    for (std::string& partial : partial_) {
      if (!partial.empty()) inner_->Push(std::exchange(partial, {}) + '\n');
    }
  }
  inner_->Flush(end_of_input);
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

void WrappedForm::Read(std::string_view line, bool cut, std::string_view block) {
  ++own_.lines;
  if (line.empty()) return;
  wrapping_ == Wrapping::kCri ? ReadCri(line, cut) : ReadJson(line, cut, block);
}

void WrappedForm::ReadCri(std::string_view line, bool cut) {
  CriLine cri;
  if (!ParseCri(line, cri)) return Bad(cut);
  if (cut) ++own_.truncated;
  if (time_.empty()) time_ = cri.time;
  Unwrapped(cri.text, cri.stream, cri.partial);
  time_ = cri.time;
}

void WrappedForm::ReadJson(std::string_view line, bool cut, std::string_view block) {
  const JsonLine& json = cut ? json_.ReadCut(line) : json_.Read(line, RoomBehind(line, block));
  if (time_.empty()) time_ = json.time;
  switch (json.kind) {
    case JsonLine::Kind::kBad:
    case JsonLine::Kind::kOther:
      return Bad(cut);
    case JsonLine::Kind::kText:
      if (cut) ++own_.truncated;
      Unwrapped(json.text, json.stream, json.partial);
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
  std::string& begun = partial_[stream == "stdout" ? 1 : 0];
  begun.append(text.substr(0, record_bytes_ + kHeadRoom - begun.size()));
  if (partial) return;
  begun += '\n';
  inner_->Push(begun);
  begun.clear();
}

void WrappedForm::Deliver(const Message& message, bool cut) {
  ++own_.messages;
  if (!message.labelled && message.side == Side::kServer) ++own_.unlabelled;
  if (!cut) {
    sink_(message);
    return;
  }
  ++own_.truncated;
  Message truncated = message;
  truncated.truncated = true;
  sink_(truncated);
}

/// Takes a message from the reader inside.
void WrappedForm::Forward(const Message& message) {
  if (!message.time.empty() || time_.empty()) {
    sink_(message);
    return;
  }
  Message timed = message;
  timed.time = time_;
  sink_(timed);
}

void WrappedForm::Bad(bool cut) {
  Unparsed reason = wrapping_ == Wrapping::kJson ? Unparsed::kBadJson : Unparsed::kNoPrefix;
  if (cut) reason = Unparsed::kTooLong;
  ++own_.unparsed[static_cast<std::size_t>(reason)];
}

void WrappedForm::Sum() {
  stats_ = inner_->stats();
  stats_.bytes = 0;
  stats_.lines = 0;
  stats_ += own_;
}

}  // namespace pgbeacon::log
