// TextForm: logs that are text with a log_line_prefix or none: stderr logs, PostgreSQL's syslog
// text as a daemon writes it to a file, and `heroku logs`.
//
// In a syslog file the lines of other programs are messages of Side::kPlatform, those of PgBouncer
// of Side::kPooler; neither is tried against the prefix or counted as unparsed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "logparse/forms/form.h"

namespace pgbeacon::log {

class TextForm : public Form {
 public:
  /// ReaderOptions::form kStderr, kSyslog and kHeroku say what carries the lines; with any other it
  /// is found out.
  TextForm(ReaderOptions options, Sink sink);
  ~TextForm() override;

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;
  void Age() override;
  bool SetPrefix(std::string_view log_line_prefix) override;
  std::optional<std::string> prefix() const override;
  ReadPosition position() const override;
  void CountFrom(ReadPosition from) override;

  /// kStderr, kSyslog or kHeroku as told or recognised; kAuto while unknown.
  FormKind kind() const;

 private:
  friend class FrameReader;  // reads messages that come one by one in the same ways

  std::uint64_t LinesTo() const;
  void Sum();

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::log
