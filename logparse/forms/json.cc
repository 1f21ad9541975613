#include "logparse/forms/json.h"

#include <utility>

namespace pgbeacon::log {
namespace {

// No string inside a line holds these bytes, for quotes are escaped there.
constexpr std::string_view kFirstKey = R"({"timestamp":")";

}  // namespace

JsonForm::JsonForm(const ReaderOptions& options, Sink sink)
    : Form(options.from), sink_(std::move(sink)), splitter_(options.record_bytes) {}

void JsonForm::Push(std::string_view bytes) {
  splitter_.Push(bytes, Advance(bytes), [&](std::string_view line, bool cut, std::uint64_t at) {
    Read(line, cut, at, bytes);
  });
  Sum();
}

void JsonForm::Flush(bool end_of_input) {
  if (!end_of_input) return;
  splitter_.Flush(
      [this](std::string_view line, bool cut, std::uint64_t at) { Read(line, cut, at, {}); });
  Sum();
}

ReadPosition JsonForm::position() const {
  const std::uint64_t end = splitter_.LinesTo(pushed_to());
  if (!resume_.crossed() && end <= resume_.end()) return resume_.left();
  return {.end = end};
}

void JsonForm::Sum() {
  stats_.bytes = BytesTo(splitter_.LinesTo(pushed_to()));
  if (!resume_.crossed()) ForgetLines(stats_);
}

void JsonForm::Read(std::string_view line, bool cut, std::uint64_t at, std::string_view block) {
  if (resume_.Crosses(at)) ForgetLines(stats_);
  ++stats_.lines;
  if (line.empty()) return;
  JsonLine& json = cut ? reader_.ReadCut(line) : reader_.Read(line, RoomBehind(line, block));
  if (json.kind == JsonLine::Kind::kRecord) {
    Deliver(json.message, cut, at);
  } else {
    ReadBad(line, cut, at);
  }
}

/// A record that a crash cut off is followed by the next one in the same line.
void JsonForm::ReadBad(std::string_view line, bool cut, std::uint64_t at) {
  const Unparsed reason = cut ? Unparsed::kTooLong : Unparsed::kBadJson;
  ++stats_.unparsed[static_cast<std::size_t>(reason)];
  const std::size_t next = line.rfind(kFirstKey);
  if (cut || next == std::string_view::npos || next == 0) return;
  JsonLine& json = reader_.Read(line.substr(next), 0);
  if (json.kind == JsonLine::Kind::kRecord) Deliver(json.message, false, at);
}

void JsonForm::Deliver(Message& message, bool cut, std::uint64_t at) {
  if (!resume_.Take(at)) return;
  ++stats_.messages;
  if (!message.labelled) ++stats_.unlabelled;
  if (cut) ++stats_.truncated;
  message.truncated = cut;
  message.offset = at;
  sink_(message);
}

}  // namespace pgbeacon::log
