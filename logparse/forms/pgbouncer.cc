#include "logparse/forms/pgbouncer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "logparse/forms/pgbouncer_line.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHeadRoom = 128;   // of a line, above record_bytes, for time, pid and level
constexpr std::size_t kMostTorn = 1024;  // of a message that names with line feeds spread out

PoolerText TextOf(std::string_view line) {
  const std::optional<PoolerHead> head = ParsePoolerHead(line);
  return head ? ParsePoolerText(line.substr(head->size)) : PoolerText();
}

}  // namespace

PgbouncerForm::PgbouncerForm(ReaderOptions options, Sink sink)
    : splitter_(options.record_bytes + kHeadRoom),
      records_(options.record_bytes, options.open_bytes, std::move(sink)) {}

void PgbouncerForm::Push(std::string_view bytes) {
  stats_.bytes += bytes.size();
  splitter_.Push(bytes, [this](std::string_view line, bool cut) { OnLine(line, cut); });
  Sum();
}

void PgbouncerForm::Flush(bool end_of_input) {
  if (end_of_input) {
    splitter_.Flush([this](std::string_view line, bool cut) { OnLine(line, cut); });
  }
  if (!torn_.empty()) Release();
  records_.Flush();
  Sum();
}

void PgbouncerForm::Sum() {
  stats_.messages = records_.delivered();
  stats_.unlabelled = records_.unlabelled();
  stats_.truncated = records_.truncated();
}

// What follows a torn name is no line of its own, however much it looks like one.
void PgbouncerForm::OnLine(std::string_view line, bool cut) {
  ++stats_.lines;
  if (torn_.empty()) {
    Read(line, cut);
    return;
  }
  torn_.append(1, '\n').append(line);
  if (!TextOf(torn_).torn || torn_.size() > kMostTorn) Release();
}

void PgbouncerForm::Release() {
  const std::string lines = std::exchange(torn_, {});
  if (TextOf(lines).socket) {
    Take(lines, false);
    return;
  }
  // It was no name: a message without an address, and lines of their own.
  std::string_view rest = lines;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    Take(rest.substr(0, end), false);
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
}

void PgbouncerForm::Read(std::string_view line, bool cut) {
  if (!cut && TextOf(line).torn) {
    torn_ = line;
  } else {
    Take(line, cut);
  }
}

void PgbouncerForm::Take(std::string_view line, bool cut) {
  if (line.empty()) return;
  ++stats_.prefix_tried;
  if (!ParsePoolerHead(line)) {
    Continue(line, cut);
    return;
  }
  ++stats_.prefix_matched;
  Message message;
  DescribePooler(line, -1, message);
  message.session = message.pid;
  records_.Open(message.pid, line, message, cut);
}

void PgbouncerForm::Continue(std::string_view line, bool cut) {
  if (records_.Continue("\n", line, cut)) return;
  const Unparsed reason = cut ? Unparsed::kTooLong : Unparsed::kNoPrefix;
  ++stats_.unparsed[static_cast<std::size_t>(reason)];
}

}  // namespace pgbeacon::log
