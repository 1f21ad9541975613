// PgbouncerForm: PgBouncer's own log file. Every message is Side::kPooler; the socket that it
// begins with gives its database and user and is no part of its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/form.h"
#include "logparse/lines.h"
#include "logparse/records.h"

namespace pgbeacon::log {

class PgbouncerForm : public Form {
 public:
  PgbouncerForm(ReaderOptions options, Sink sink);

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;
  void Age() override {
    records_.Age();
    Sum();
  }
  ReadPosition position() const override;

 private:
  void OnLine(std::string_view line, bool cut, std::uint64_t at);
  void Read(std::string_view line, bool cut, std::uint64_t at);
  void Take(std::string_view line, bool cut);
  void Continue(std::string_view line, bool cut);
  void Release();
  void TryCross(std::uint64_t offset);
  std::uint64_t LinesTo() const { return splitter_.LinesTo(pushed_to()); }
  std::uint64_t ReadTo() const { return torn_.empty() ? LinesTo() : torn_at_.front(); }
  void Sum();

  LineSplitter splitter_;
  Records records_;
  std::string torn_;  // lines of a message whose names hold line feeds; they are not counted yet
  std::vector<std::uint64_t> torn_at_;  // where each begins
  std::uint64_t truncated_from_ = 0;    // records cut before counting begins
};

}  // namespace pgbeacon::log
