// Any bytes as PgBouncer's log, read whole and in pieces: the same messages, each a part of the
// log. Input: the size of the pieces in one byte, then the log.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/forms/pgbouncer.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

std::string Messages(std::string_view log, std::size_t piece) {
  std::string out;
  PgbouncerForm form({}, [&out](const Message& m) {
    if (m.side != Side::kPooler || !m.labelled) std::abort();
    for (std::string_view part : {m.time, m.pid, m.user, m.database, m.text}) {
      out.append(part).append(1, '\0');
    }
    out += static_cast<char>(m.severity);
  });
  for (std::size_t i = 0; i < log.size(); i += piece) form.Push(log.substr(i, piece));
  form.Flush(true);
  if (form.stats().messages > form.stats().lines) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view log(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Messages(log, std::size_t{1} + data[0]) != Messages(log, log.size() + 1)) std::abort();
  return 0;
}
