// Any bytes as a log of any form, told or found out, read whole and in pieces: both give the same
// messages, and no view leaves the record it belongs to. Input: options in one byte, whose upper
// three bits tell the form, the size of the pieces in another, then the log.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/reader.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

std::string Messages(std::string_view log, std::size_t piece, const ReaderOptions& options) {
  std::string out;
  Reader reader(options, [&out](const Message& m) {
    for (std::string_view part :
         {m.time, m.sqlstate, m.pid, m.session, m.user, m.database, m.application, m.source,
          m.process, m.color, m.text, m.detail, m.hint, m.query, m.context, m.location, m.backtrace,
          m.statement}) {
      out.append(part).append(1, '\0');
    }
    out += static_cast<char>(m.severity);
    out += static_cast<char>(m.side);
  });
  for (std::size_t i = 0; i < log.size(); i += piece) reader.Push(log.substr(i, piece));
  reader.Flush(true);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr const char* kPrefixes[] = {"%m [%p] %q%u@%d ",
                                       "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
                                       "%-8a|%5u|%d%r%z ", "sql_error_code = %e "};
  const std::string_view log(reinterpret_cast<const char*>(data) + 2, size - 2);
  ReaderOptions options;
  if ((data[0] & 4) != 0) options.prefix = kPrefixes[data[0] & 3];
  if ((data[0] & 8) != 0) options.record_bytes = 100;
  if ((data[0] & 16) != 0) options.open_bytes = 500;
  if ((data[0] >> 5) < kFormKinds) options.form = static_cast<FormKind>(data[0] >> 5);
  const std::string whole = Messages(log, log.size() + 1, options);
  if (Messages(log, std::size_t{1} + data[1], options) != whole) std::abort();
  return 0;
}
