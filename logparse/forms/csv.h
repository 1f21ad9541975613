// CsvForm: csvlog, with 23 columns (12), 24 (13) or 26 (14 to 18).
//
// A record that is opened in its middle or was cut by a crash costs itself: reading goes on with
// the first line behind its begin that is a record again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "logparse/forms/csv_scan.h"
#include "logparse/forms/form.h"

namespace pgbeacon::log {

/// Messages are views into the pushed bytes where these hold the whole record. Of a record above
/// record_bytes the first record_bytes are kept.
class CsvForm : public Form {
 public:
  CsvForm(const ReaderOptions& options, Sink sink);

  void Push(std::string_view bytes) override;
  void Flush(bool end_of_input) override;
  ReadPosition position() const override;

 private:
  struct Extent {
    std::size_t size = 0;
    bool complete = false;
  };

  void Take(std::string_view bytes, std::uint64_t at);
  void Read(std::string_view bytes, std::uint64_t at);
  Extent Measure(std::string_view bytes);
  void Keep(std::string_view bytes);
  std::size_t Settle(std::string_view record, std::uint64_t at);
  bool Deliver(std::string_view record);
  std::size_t Recover(std::string_view record, std::uint64_t lines);
  std::uint64_t ReadTo() const;
  void Sum();

  const std::size_t record_bytes_;
  const Sink sink_;
  CsvScanner scanner_;
  std::string partial_;           // the begin of a record whose end is still to come
  std::uint64_t partial_at_ = 0;  // where it begins in the log
  bool broken_ = false;           // it breaks the grammar: its line is awaited
  int glued_ = 0;         // it began in mid-line, behind one that was cut off: at which such place
  std::uint64_t at_ = 0;  // where the record begins that is settled
  ReaderStats counts_;
  // The line that such a record stands in is read when its end is known.
  std::uint64_t glued_line_ = 0;
  ReaderStats counts_before_;
  std::string unescaped_;
  Message message_;  // reused for every delivery
};

}  // namespace pgbeacon::log
