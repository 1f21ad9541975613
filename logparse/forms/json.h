// JsonForm: jsonlog (15 and later), one object a line. A bad line costs itself.
#pragma once

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

 private:
  void Read(std::string_view line, bool cut, std::string_view block);
  void ReadBad(std::string_view line, bool cut);
  void Deliver(const Message& message, bool cut);

  const Sink sink_;
  LineSplitter splitter_;
  JsonLineReader reader_;
};

}  // namespace pgbeacon::log
