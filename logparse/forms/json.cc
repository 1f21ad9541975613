#include "logparse/forms/json.h"

#include <utility>

namespace pgbeacon::log {
namespace {

// No string inside a line holds these bytes, for quotes are escaped there.
constexpr std::string_view kFirstKey = R"({"timestamp":")";

}  // namespace

JsonForm::JsonForm(const ReaderOptions& options, Sink sink)
    : sink_(std::move(sink)), splitter_(options.record_bytes) {}

void JsonForm::Push(std::string_view bytes) {
  stats_.bytes += bytes.size();
  splitter_.Push(bytes, [&](std::string_view line, bool cut) { Read(line, cut, bytes); });
}

void JsonForm::Flush(bool end_of_input) {
  if (!end_of_input) return;
  splitter_.Flush([this](std::string_view line, bool cut) { Read(line, cut, {}); });
}

void JsonForm::Read(std::string_view line, bool cut, std::string_view block) {
  ++stats_.lines;
  if (line.empty()) return;
  const JsonLine& json = cut ? reader_.ReadCut(line) : reader_.Read(line, RoomBehind(line, block));
  if (json.kind == JsonLine::Kind::kRecord) {
    Deliver(json.message, cut);
  } else {
    ReadBad(line, cut);
  }
}

/// A record that a crash cut off is followed by the next one in the same line.
void JsonForm::ReadBad(std::string_view line, bool cut) {
  const Unparsed reason = cut ? Unparsed::kTooLong : Unparsed::kBadJson;
  ++stats_.unparsed[static_cast<std::size_t>(reason)];
  const std::size_t next = line.rfind(kFirstKey);
  if (cut || next == std::string_view::npos || next == 0) return;
  const JsonLine& json = reader_.Read(line.substr(next), 0);
  if (json.kind == JsonLine::Kind::kRecord) Deliver(json.message, false);
}

void JsonForm::Deliver(const Message& message, bool cut) {
  ++stats_.messages;
  if (!message.labelled) ++stats_.unlabelled;
  if (!cut) {
    sink_(message);
    return;
  }
  ++stats_.truncated;
  Message truncated = message;
  truncated.truncated = true;
  sink_(truncated);
}

}  // namespace pgbeacon::log
