// Lines that begin with the prefix: a stderr log.
//
// Names are printed raw, and a line feed in one tears a head apart. What follows the tear is no
// line of its own, however much it looks like one. So a head without a label waits for the lines
// behind it, and so does a complete one that may be the begin of a torn name which holds a label
// before its line feed: that of a session whose names are new (MayBeTorn). Lines that fit together
// and prove it by repeating the name are one message (JoinName); else all are read by themselves
// (ReleaseName).
#include <algorithm>
#include <utility>

#include "logparse/forms/text_state.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMostNameHead = 1024;  // of a head that names with line feeds spread out

}  // namespace

void TextForm::State::ReadPlain(std::string_view line, bool cut) {
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
  if (Head& head = plain_head; heads.Match(*prefix, line, head)) {
    ++stats.prefix_tried;
    ++stats.prefix_matched;
    if (head.doubtful) Settle(line, head);
    Take(line, line, head, head.session, cut);
    if (!cut && MayBeTorn(line, head)) {
      records.DropLast();
      --stats.prefix_tried;
      --stats.prefix_matched;
      KeepName(line, true);
    }
    return;
  }
  if (Doubt(line, cut)) return;
  const bool torn = told ? prefix->EndsInName(line) : prefix->IsHead(line);
  if (torn && line.size() <= kMostNameHead) {
    KeepName(line, false);
    return;
  }
  ++stats.prefix_tried;
  Count(Unparsed::kNoPrefix, cut);
}

// A session keeps its user and database, and mostly its application: of several ways to read a
// line the one that goes on with these is right.
void TextForm::State::Settle(std::string_view line, Head& head) const {
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

// Whether the message that was just taken from `line` may be the begin of a torn name.
bool TextForm::State::MayBeTorn(std::string_view line, const Head& head) const {
  if (!head.label.primary() || records.GoesOn() || !prefix->EndsInPlainName(line)) return false;
  const std::string_view text = line.substr(head.label_begin + head.label.size);
  return !text.starts_with("connection received: host=");
}

// Lets `line` wait for those behind it. It counts when it does so no more (CountName).
void TextForm::State::KeepName(std::string_view line, bool whole) {
  name_head = line;
  name_at.assign(1, at);
  name_whole = whole;
  --stats.lines;
}

void TextForm::State::CountName() {
  stats.lines += name_at.size();
  ++stats.prefix_tried;
  if (name_whole) ++stats.prefix_matched;
}

// Whether `line` was taken as a further part of a torn head.
bool TextForm::State::JoinName(std::string_view line, bool cut) {
  std::string joined = name_head + '\n';
  joined += line;
  Head head;
  if (prefix->MatchStranger(joined, !name_whole, head, name_whole ? name_head.size() : 0)) {
    CountName();
    if (!name_whole) ++stats.prefix_matched;
    name_head.clear();
    At(name_at.front());
    Take(joined, joined, head, head.session, cut);
    return true;
  }
  if (!told && !prefix->EndsInName(name_head)) {
    // This prefix has no names. One that has them may fit both lines; until it is found, a line of
    // an unknown session behind such a head is a part of it.
    const std::uint64_t line_at = at;
    name_head.clear();
    CountName();
    At(name_at.front());
    if (Doubt(joined, cut)) {
      --stats.prefix_tried;
      return true;
    }
    Count(Unparsed::kNoPrefix, cut);
    At(line_at);
    if (!prefix->Match(line, head) || records.IsOpen(head.session)) {
      HoldOrRead(line, cut);
    } else {
      Count(Unparsed::kNoPrefix, cut);
    }
    return true;
  }
  if (joined.size() > kMostNameHead || !prefix->EndsInPlainName(joined)) return false;
  name_head = std::move(joined);
  name_at.push_back(at);
  --stats.lines;
  return true;
}

// Nothing proved that a name was torn apart. The fewest lines that fit together are one message
// all the same; if none do, the first is noise. The others are lines of their own.
void TextForm::State::ReleaseName() {
  const std::string lines = std::exchange(name_head, {});
  if (lines.empty()) return;
  CountName();
  const std::vector<std::uint64_t> begins = std::exchange(name_at, {});
  const std::uint64_t line_at = at;
  auto line = begins.begin();
  At(*line++);
  std::size_t end = std::min(lines.find('\n'), lines.size());
  const std::size_t first = end;
  Head head;
  bool fits = name_whole && prefix->Match(std::string_view(lines).substr(0, end), head);
  if (fits && head.doubtful) Settle(std::string_view(lines).substr(0, end), head);
  while (!fits && end < lines.size()) {
    end = std::min(lines.find('\n', end + 1), lines.size());
    ++line;
    fits = prefix->Match(std::string_view(lines).substr(0, end), head);
  }
  if (fits) {
    if (!name_whole) ++stats.prefix_matched;
    const std::string_view message = std::string_view(lines).substr(0, end);
    Take(message, message, head, head.session, false);
  } else {
    end = first;
    line = begins.begin() + 1;
    Count(Unparsed::kNoPrefix, false);
  }
  while (end < lines.size()) {
    const std::size_t begin = end + 1;
    end = std::min(lines.find('\n', begin), lines.size());
    At(*line++);
    HoldOrRead(std::string_view(lines).substr(begin, end - begin), false);
  }
  At(line_at);
}

// What the head does not have stays as it is for the envelope to tell.
void TextForm::State::Fill(const Head& head, std::string_view text, Message& message) {
  message.sqlstate = head.sqlstate;
  message.severity = head.label.severity;
  message.labelled = true;
  if (!head.time.empty()) message.time = head.time;
  if (!head.pid.empty()) message.pid = head.pid;
  message.session = head.session.empty() ? message.pid : head.session;
  if (!head.user.empty()) message.user = head.user;
  message.database = head.database;
  message.application = head.application;
  message.text = text;
}

// Takes a line apart that `head` fits at the begin of `body`, which lies in `line`.
void TextForm::State::Take(std::string_view line, std::string_view body, const Head& head,
                           std::string_view record, bool cut, const Envelope* envelope) {
  const std::string_view text = body.substr(head.label_begin + head.label.size);
  if (!head.label.primary()) {
    if (!records.Join(record, head.label.part, text, cut)) Count(Unparsed::kOrphan, cut);
    return;
  }
  if (envelope == nullptr) {
    Message& message = plain_message;
    message.time = message.pid = message.user = {};
    Fill(head, text, message);
    records.Open(record, line, message, cut);
    return;
  }
  Message message;
  Describe(*envelope, message);
  Fill(head, text, message);
  if (text.empty() && !body.ends_with("  ")) half_label = record;
  records.Open(record, line, message, cut);
}

}  // namespace pgbeacon::log
