// CsvColumns: what the columns of a csvlog record mean.
#pragma once

#include <string>
#include <string_view>

#include "logparse/forms/csv_scan.h"
#include "logparse/message.h"

namespace pgbeacon::log {

/// One record whose columns a scanner has found. Borrows both.
class CsvColumns {
 public:
  /// `dropped`: `record` is only the begin of what was scanned.
  CsvColumns(std::string_view record, const CsvScanner& scanner, bool dropped)
      : record_(record), scanner_(scanner), dropped_(dropped) {}

  /// Whether the server wrote this as one record: 23 columns or more, time, session, SQLSTATE and
  /// the message in their places. Text that stood inside quotes can never pass, for there every
  /// quote is doubled: a column that begins with an odd number of them is the server's own.
  bool Plausible() const;

  /// Fills `message` with views into the record or, where quotes had to be halved, into
  /// `unescaped`.
  void Fill(Message& message, std::string& unescaped) const;

 private:
  std::string_view Raw(std::size_t index) const;
  std::string_view Text(std::size_t index, std::string& unescaped) const;

  const std::string_view record_;
  const CsvScanner& scanner_;
  const bool dropped_;
};

/// Where in `line`, not at its begin, a log_time stands ("2026-11-20 20:14:23.488 "): there a
/// record begins whose predecessor was cut off. npos: nowhere.
std::size_t FindLogTime(std::string_view line);

/// Sets severity and labelled from the word that the server printed for the severity, in whatever
/// language. A word that nobody knows leaves the class of the SQLSTATE in `message` to speak.
void SetSeverity(std::string_view word, Message& message);

}  // namespace pgbeacon::log
