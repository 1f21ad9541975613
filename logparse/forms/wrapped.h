// WrappedForm: a log each line of which stands in an envelope of the platform: CRI lines, docker's
// JSON lines, CloudNativePG's, and what cloud providers and log shippers make of a line. What
// stands inside is a log of any form, read by a reader of its own.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/detect_form.h"
#include "logparse/forms/form.h"
#include "logparse/forms/json_line.h"
#include "logparse/lines.h"

namespace pgbeacon::log {

class Reader;

/// The reader inside has positions of its own, in bytes of what is inside.
///
/// A message without a time of its own gets the envelope's: of the line before the one that
/// completed it, which is its own last line unless sessions interleave.
class WrappedForm : public Form {
 public:
  /// `options` are those of the log inside.
  WrappedForm(const ReaderOptions& options, Sink sink, Wrapping wrapping, std::string name);
  ~WrappedForm() override;

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;
  void Age() override;
  bool SetPrefix(std::string_view log_line_prefix) override;
  std::optional<std::string> prefix() const override;
  ReadPosition position() const override;
  void CountFrom(ReadPosition from) override;

  /// The form inside; kAuto while unknown.
  FormKind kind() const;
  /// "cri"; with a further envelope inside "cri+cnpg".
  std::string envelope() const;

 private:
  /// What lines count that are not for the reader inside.
  struct Counts {
    std::uint64_t lines = 0, bad = 0, too_long = 0, cut = 0;
  };
  /// Where a line inside begins, in there and outside; the line outside that completed it, and what
  /// counted before that.
  struct Place {
    std::uint64_t inside = 0, outside = 0, completed = 0;
    Counts before;
  };
  /// The begin of a line that goes on.
  struct Partial {
    std::string text;
    std::uint64_t at = 0;
    bool begun = false;
  };

  void OnLine(std::string_view line, bool cut, std::uint64_t at, std::string_view block);
  void ReadCri(std::string_view line, bool cut);
  void ReadJson(std::string_view line, bool cut, std::string_view block);
  void Unwrapped(std::string_view text, std::string_view stream, bool partial);
  void PushInside(Partial& line);
  void Deliver(Message& message, bool cut);
  void Forward(const Message& message);
  void Bad(bool cut);
  void TryCross(std::uint64_t offset);
  std::uint64_t LinesTo() const { return splitter_.LinesTo(pushed_to()); }
  const Place* PlaceOf(std::uint64_t inside) const;
  const Place* Waiting(const ReadPosition& inside) const;
  void Prune();
  void Sum();

  const Sink sink_;
  const Wrapping wrapping_;
  const std::string name_;
  const std::size_t record_bytes_;
  LineSplitter splitter_;
  JsonLineReader json_;
  std::unique_ptr<Reader> inner_;
  std::array<Partial, 2> partial_;  // of stderr, of stdout
  std::deque<Place> places_;        // of lines inside, those that may be asked for among them
  std::size_t prune_at_;            // places
  std::uint64_t inside_to_ = 0;     // bytes given to the reader inside
  std::uint64_t at_ = 0;            // where the line begins that is read
  std::uint64_t direct_to_ = 0;     // behind the begin of the last one that was a message itself
  std::string time_;                // of the line before
  Counts own_;
  ReaderStats direct_;    // messages that are not of the reader inside
  bool records_ = false;  // the last message was no line of text but a record
};

}  // namespace pgbeacon::log
