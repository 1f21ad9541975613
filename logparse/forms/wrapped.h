// WrappedForm: a log each line of which stands in an envelope of the platform: CRI lines, docker's
// JSON lines, CloudNativePG's, and what cloud providers and log shippers make of a line. What
// stands inside is a log of any form, read by a reader of its own.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "logparse/forms/detect_form.h"
#include "logparse/forms/form.h"
#include "logparse/forms/json_line.h"
#include "logparse/lines.h"

namespace pgbeacon::log {

class Reader;

/// A message without a time of its own gets the envelope's: of the line before the one that
/// completed it, which is its own last line unless sessions interleave.
class WrappedForm : public Form {
 public:
  /// `options` are those of the log inside.
  WrappedForm(const ReaderOptions& options, Sink sink, Wrapping wrapping, std::string name);
  ~WrappedForm() override;

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;
  bool SetPrefix(std::string_view log_line_prefix) override;
  std::optional<std::string> prefix() const override;

  /// The form inside; kAuto while unknown.
  FormKind kind() const;
  /// "cri"; with a further envelope inside "cri+cnpg".
  std::string envelope() const;

 private:
  void Read(std::string_view line, bool cut, std::string_view block);
  void ReadCri(std::string_view line, bool cut);
  void ReadJson(std::string_view line, bool cut, std::string_view block);
  void Unwrapped(std::string_view text, std::string_view stream, bool partial);
  void Deliver(const Message& message, bool cut);
  void Forward(const Message& message);
  void Bad(bool cut);
  void Sum();

  const Sink sink_;
  const Wrapping wrapping_;
  const std::string name_;
  const std::size_t record_bytes_;
  LineSplitter splitter_;
  JsonLineReader json_;
  std::unique_ptr<Reader> inner_;
  std::array<std::string, 2> partial_;  // the begin of a line of stderr, of stdout
  std::string time_;                    // of the line before
  ReaderStats own_;                     // apart from the reader's inside
  bool records_ = false;                // the last message was no line of text but a record
};

}  // namespace pgbeacon::log
