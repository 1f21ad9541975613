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
      name_head = line;
      name_whole = true;
    }
    return;
  }
  if (Doubt(line, cut)) return;
  ++stats.prefix_tried;
  const bool torn = told ? prefix->EndsInName(line) : prefix->IsHead(line);
  if (torn && line.size() <= kMostNameHead) {
    name_head = line;
    name_whole = false;
    return;
  }
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

// Whether `line` was taken as a further part of a torn head.
bool TextForm::State::JoinName(std::string_view line, bool cut) {
  std::string joined = name_head + '\n';
  joined += line;
  Head head;
  if (prefix->MatchStranger(joined, !name_whole, head, name_whole ? name_head.size() : 0)) {
    if (!name_whole) ++stats.prefix_matched;
    name_head.clear();
    Take(joined, joined, head, head.session, cut);
    return true;
  }
  if (!told && !prefix->EndsInName(name_head)) {
    // This prefix has no names. One that has them may fit both lines; until it is found, a line of
    // an unknown session behind such a head is a part of it.
    name_head.clear();
    if (Doubt(joined, cut)) return true;
    Count(Unparsed::kNoPrefix, cut);
    if (!prefix->Match(line, head) || records.IsOpen(head.session)) {
      HoldOrRead(line, cut);
    } else {
      Count(Unparsed::kNoPrefix, cut);
    }
    return true;
  }
  if (joined.size() > kMostNameHead || !prefix->EndsInPlainName(joined)) return false;
  name_head = std::move(joined);
  return true;
}

// Nothing proved that a name was torn apart. The fewest lines that fit together are one message
// all the same; if none do, the first is noise. The others are lines of their own.
void TextForm::State::ReleaseName() {
  const std::string lines = std::exchange(name_head, {});
  if (lines.empty()) return;
  std::size_t end = std::min(lines.find('\n'), lines.size());
  const std::size_t first = end;
  Head head;
  bool fits = name_whole && prefix->Match(std::string_view(lines).substr(0, end), head);
  if (fits && head.doubtful) Settle(std::string_view(lines).substr(0, end), head);
  while (!fits && end < lines.size()) {
    end = std::min(lines.find('\n', end + 1), lines.size());
    fits = prefix->Match(std::string_view(lines).substr(0, end), head);
  }
  if (fits) {
    if (!name_whole) ++stats.prefix_matched;
    const std::string_view message = std::string_view(lines).substr(0, end);
    Take(message, message, head, head.session, false);
  } else {
    end = first;
    Count(Unparsed::kNoPrefix, false);
  }
  while (end < lines.size()) {
    const std::size_t begin = end + 1;
    end = std::min(lines.find('\n', begin), lines.size());
    HoldOrRead(std::string_view(lines).substr(begin, end - begin), false);
  }
}

// Takes a line apart that `head` fits at the begin of `body`, which lies in `line`.
void TextForm::State::Take(std::string_view line, std::string_view body, const Head& head,
                           std::string_view record, bool cut, const Envelope* envelope) {
  const std::string_view text = body.substr(head.label_begin + head.label.size);
  if (!head.label.primary()) {
    if (!records.Join(record, head.label.part, text, cut)) Count(Unparsed::kOrphan, cut);
    return;
  }
  Message message;
  message.sqlstate = head.sqlstate;
  if (envelope != nullptr) Describe(*envelope, message);
  message.severity = head.label.severity;
  message.labelled = true;
  if (!head.time.empty()) message.time = head.time;
  if (!head.pid.empty()) message.pid = head.pid;
  message.session = head.session.empty() ? message.pid : head.session;
  if (!head.user.empty()) message.user = head.user;
  message.database = head.database;
  message.application = head.application;
  message.text = text;
  if (text.empty() && envelope != nullptr && !body.ends_with("  ")) half_label = record;
  records.Open(record, line, message, cut);
}

}  // namespace pgbeacon::log
