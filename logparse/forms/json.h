// JsonForm: jsonlog (15 and later), one object a line. A bad line costs itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "logparse/forms/form.h"
#include "logparse/forms/json_line.h"
#include "logparse/lines.h"

namespace pgbeacon::log {

class JsonForm : public Form {
 public:
  JsonForm(const ReaderOptions& options, Sink sink);

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;
  ReadPosition position() const override;

 private:
  void Read(std::string_view line, bool cut, std::uint64_t at, std::string_view block);
  void ReadBad(std::string_view line, bool cut, std::uint64_t at);
  void Deliver(Message& message, bool cut, std::uint64_t at);
  void Sum();

  const Sink sink_;
  LineSplitter splitter_;
  JsonLineReader reader_;
};

}  // namespace pgbeacon::log
