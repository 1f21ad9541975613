// Any bytes as a syslog file: read whole and line by line they give the same messages, no message
// says more than the bytes held, and every line is a message, a part of one, or counted.
// Input: options in one byte, then the log.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/forms/syslog.h"
#include "logparse/forms/text.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

struct Outcome {
  std::string messages;
  std::size_t texts = 0;
  ReaderStats stats;
};

Outcome Read(std::string_view log, std::size_t piece, const ReaderOptions& options) {
  Outcome outcome;
  TextForm form(options, [&outcome](const Message& m) {
    for (std::string_view part : {m.time, m.source, m.process, m.pid, m.user, m.database, m.text,
                                  m.detail, m.context, m.statement}) {
      outcome.messages.append(part).append(1, '\0');
    }
    outcome.texts += m.text.size() + m.detail.size() + m.context.size() + m.statement.size();
  });
  for (std::size_t i = 0; i < log.size(); i += piece) form.Push(log.substr(i, piece));
  form.Flush(true);
  outcome.stats = form.stats();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view log(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReaderOptions options;
  if ((data[0] & 1) != 0) options.form = FormKind::kSyslog;
  if ((data[0] & 2) != 0) options.prefix = (data[0] & 4) != 0 ? "%m [%p] %q%u@%d " : "[%p] ";
  if ((data[0] & 8) != 0) options.record_bytes = 100;
  if ((data[0] & 16) != 0) options.open_bytes = 500;
  const Outcome whole = Read(log, log.size() + 1, options);
  if (Read(log, 7, options).messages != whole.messages) std::abort();
  if (whole.stats.messages > whole.stats.lines) std::abort();
  if (whole.texts > 2 * log.size() + whole.stats.lines) std::abort();
  std::string once;
  if (UnescapeSyslog(log, once) && once.size() > log.size()) std::abort();
  return 0;
}
