#include "exporter/fanout/drain_frame.h"

#include <fmt/format.h>

#include <utility>

#include "exporter/fanout/line_time.h"

namespace pgbeacon::fanout {
namespace {

// RFC 5424, section 6.
constexpr std::size_t kMostHost = 255;
constexpr std::size_t kMostApp = 48;
constexpr std::size_t kMostProcess = 128;

constexpr int kLocal0 = 16 * 8;
constexpr int kLevels = 8;
constexpr std::int64_t kMicroseconds = 1'000'000;

/// The level that PostgreSQL itself gives to syslog, where the line brings none.
int Level(const Entry& entry) {
  if (entry.level >= 0 && entry.level < kLevels) return entry.level;
  switch (entry.severity) {
    case log::Severity::kPanic:
      return 2;
    case log::Severity::kFatal:
      return 3;
    case log::Severity::kError:
      return 4;
    case log::Severity::kWarning:
    case log::Severity::kNotice:
      return 5;
    case log::Severity::kDebug:
      return 7;
    case log::Severity::kLog:
    case log::Severity::kInfo:
    case log::Severity::kNone:
      break;
  }
  return 6;
}

/// One word of a header: what would end it or be no ASCII becomes '_'.
void AppendWord(std::string_view word, std::size_t most, std::string& out) {
  if (word.empty()) word = "-";
  for (const char c : word.substr(0, most)) out += c > ' ' && c < 0x7F ? c : '_';
  out += ' ';
}

void AppendHost(std::string_view server, const DrainForm& form, std::string& out) {
  if (form.token.empty()) return AppendWord(server, kMostHost, out);
  AppendWord(form.kind == DrainKind::kSyslog ? std::string_view(form.token) : "host", kMostHost,
             out);
}

void AppendCounted(std::string_view message, std::string& out) {
  out.append(std::to_string(message.size())).append(" ").append(message);
}

/// MSGID, and STRUCTURED-DATA, which Logplex leaves out.
std::string_view Nil(const DrainForm& form) {
  return form.kind == DrainKind::kSyslog ? "- - " : "- ";
}

}  // namespace

void AppendMessage(const Entry& entry, const DrainForm& form, std::string& out) {
  std::string message = fmt::format("<{}>1 {} ", kLocal0 + Level(entry), entry.time);
  AppendHost(entry.server, form, message);
  AppendWord(entry.source, kMostApp, message);
  AppendWord(entry.process, kMostProcess, message);
  message += Nil(form);
  std::string_view text = entry.text;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  message.append(text).append("\n");
  AppendCounted(message, out);
}

void AppendLoss(Loss loss, std::int64_t now_unix, const DrainForm& form, std::string& out) {
  std::string message = fmt::format("<172>1 {} ", FormatLineTime(now_unix * kMicroseconds));
  if (form.kind == DrainKind::kLogplex) {
    message += "host ";
  } else {
    AppendHost("", form, message);
  }
  message += fmt::format(
      "heroku logplex {}Error L10 (output buffer overflow): {} messages dropped since {}.\n",
      Nil(form), loss.lines, FormatLineTime(loss.since_unix * kMicroseconds));
  AppendCounted(message, out);
}

DrainFrame TakeFrame(DrainBuffer& buffer, const DrainForm& form, std::size_t most_bytes,
                     std::int64_t now_unix) {
  DrainFrame frame;
  frame.loss = buffer.TakeLoss();
  if (frame.loss.lines > 0) {
    AppendLoss(frame.loss, now_unix, form, frame.body);
    frame.loss_end = frame.body.size();
  }
  while (const Entry* next = buffer.Next()) {
    const std::size_t before = frame.body.size();
    AppendMessage(*next, form, frame.body);
    if (frame.body.size() > most_bytes && !frame.lines.empty()) {
      frame.body.resize(before);
      break;
    }
    frame.ends.push_back(frame.body.size());
    frame.lines.push_back(buffer.Take());
  }
  return frame;
}

}  // namespace pgbeacon::fanout
