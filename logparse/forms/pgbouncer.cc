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
    : Form(options.from),
      splitter_(options.record_bytes + kHeadRoom),
      records_(options.record_bytes, options.open_bytes, std::move(sink)) {
  records_.DeliverBy(resume_);
}

void PgbouncerForm::Push(std::string_view bytes) {
  splitter_.Push(bytes, Advance(bytes), [this](std::string_view line, bool cut, std::uint64_t at) {
    OnLine(line, cut, at);
  });
  Sum();
}

void PgbouncerForm::Flush(bool end_of_input) {
  if (end_of_input) {
    splitter_.Flush(
        [this](std::string_view line, bool cut, std::uint64_t at) { OnLine(line, cut, at); });
  }
  TryCross(LinesTo());
  if (!torn_.empty()) Release();
  records_.Flush();
  Sum();
}

ReadPosition PgbouncerForm::position() const {
  ReadPosition position{.end = ReadTo()};
  if (!resume_.crossed() && position.end <= resume_.end()) return resume_.left();
  records_.AppendOpen(position.open);
  std::sort(position.open.begin(), position.open.end());
  return position;
}

// Begins to count if `offset`, up to which all was read, is behind what was counted before.
void PgbouncerForm::TryCross(std::uint64_t offset) {
  if (resume_.crossed() || offset < resume_.end()) return;
  if (!torn_.empty()) Release();
  resume_.Crosses(offset);
  records_.DropForeign();
  ForgetLines(stats_);
  truncated_from_ = records_.truncated();
}

void PgbouncerForm::Sum() {
  TryCross(LinesTo());
  if (!resume_.crossed()) {
    ForgetLines(stats_);
    truncated_from_ = records_.truncated();
  }
  stats_.bytes = BytesTo(ReadTo());
  stats_.messages = records_.delivered();
  stats_.unlabelled = records_.unlabelled();
  stats_.truncated = records_.truncated() - truncated_from_;
}

// What follows a torn name is no line of its own, however much it looks like one.
void PgbouncerForm::OnLine(std::string_view line, bool cut, std::uint64_t at) {
  TryCross(at);
  if (torn_.empty()) {
    Read(line, cut, at);
    return;
  }
  torn_.append(1, '\n').append(line);
  torn_at_.push_back(at);
  if (!TextOf(torn_).torn || torn_.size() > kMostTorn) Release();
}

void PgbouncerForm::Release() {
  const std::string lines = std::exchange(torn_, {});
  const std::vector<std::uint64_t> begins = std::exchange(torn_at_, {});
  stats_.lines += begins.size();
  records_.At(begins.front());
  if (TextOf(lines).socket) {
    Take(lines, false);
    return;
  }
  // It was no name: a message without an address, and lines of their own.
  std::string_view rest = lines;
  for (const std::uint64_t begin : begins) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    records_.At(begin);
    Take(rest.substr(0, end), false);
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
}

void PgbouncerForm::Read(std::string_view line, bool cut, std::uint64_t at) {
  if (!cut && TextOf(line).torn) {
    torn_ = line;
    torn_at_.assign(1, at);
    return;
  }
  ++stats_.lines;
  records_.At(at);
  Take(line, cut);
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
