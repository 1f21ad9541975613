// PgbouncerForm: PgBouncer's own log file. Every message is Side::kPooler; the socket that it
// begins with gives its database and user and is no part of its text.
#pragma once

#include <string>
#include <string_view>

#include "logparse/forms/form.h"
#include "logparse/lines.h"
#include "logparse/records.h"

namespace pgbeacon::log {

class PgbouncerForm : public Form {
 public:
  PgbouncerForm(ReaderOptions options, Sink sink);

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;

 private:
  void OnLine(std::string_view line, bool cut);
  void Read(std::string_view line, bool cut);
  void Take(std::string_view line, bool cut);
  void Continue(std::string_view line, bool cut);
  void Release();
  void Sum();

  LineSplitter splitter_;
  Records records_;
  std::string torn_;  // lines of a message whose names hold line feeds
};

}  // namespace pgbeacon::log
