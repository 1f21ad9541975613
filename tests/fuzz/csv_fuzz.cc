// Any bytes as csvlog: whole and in pieces they give the same, the scanner finds the columns that a
// look at each byte finds, and what is put behind the bytes is read whatever they were. Input: the
// size of the pieces in one byte, options in another, then the log.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/csv.h"
#include "logparse/forms/csv_scan.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kNext =
    "\n2026-11-20 20:14:23.488 UTC,,,7,,5f.7,1,,2026-11-20 20:14:23 "
    "UTC,,0,LOG,00000,\"next\",,,,,,,"
    ",,\"\",\"postmaster\",,0\n";

struct Result {
  std::string messages;
  std::string last;
  ReaderStats stats;
};

Result Read(std::string_view log, std::size_t piece, const ReaderOptions& options) {
  Result result;
  CsvForm form(options, [&result](const Message& m) {
    result.last = m.text;
    for (const std::string_view part :
         {m.time, m.sqlstate, m.pid, m.session, m.user, m.database, m.application, m.text, m.detail,
          m.hint, m.query, m.context, m.location, m.statement}) {
      result.messages.append(part).append(1, '\0');
    }
    result.messages += static_cast<char>(m.severity);
  });
  for (std::size_t i = 0; i < log.size(); i += piece) form.Push(log.substr(i, piece));
  form.Flush(true);
  result.stats = form.stats();
  return result;
}

// Where the columns of the first record end, byte by byte; false where it is none.
bool ScanNaively(std::string_view bytes, std::vector<std::size_t>& ends) {
  bool quoted = false;
  char before = ',';
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (quoted) {
      quoted = c != '"';
      before = '"';
      continue;
    }
    if (c == '"') {
      if (before != '"' && before != ',') return false;
      quoted = true;
    } else if (c == ',' || c == '\n') {
      if (ends.size() == CsvScanner::kMostColumns) return false;
      ends.push_back(i);
      if (c == '\n') return true;
    } else if (before == '"' && c != '\r') {
      return false;
    }
    before = c;
  }
  return false;
}

void CompareScanners(std::string_view log) {
  std::vector<std::size_t> ends;
  const bool record = ScanNaively(log, ends);
  CsvScanner scanner;
  std::size_t used = 0;
  if ((scanner.Scan(log, used) == CsvScanner::Stop::kRecord) != record) std::abort();
  if (scanner.columns() != ends.size()) std::abort();
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (scanner.ColumnEnd(i) != ends[i]) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view log(reinterpret_cast<const char*>(data) + 2, size - 2);
  ReaderOptions options;
  if ((data[1] & 1) != 0) options.record_bytes = 200;
  const Result whole = Read(log, log.size() + 1, options);
  const Result pieces = Read(log, std::size_t{1} + data[0], options);
  if (pieces.messages != whole.messages || pieces.stats.lines != whole.stats.lines ||
      pieces.stats.unparsed != whole.stats.unparsed) {
    std::abort();
  }
  CompareScanners(log);
  if ((data[1] & 1) == 0 &&
      Read(std::string(log).append(kNext), log.size() + 500, options).last != "next") {
    std::abort();
  }
  return 0;
}
