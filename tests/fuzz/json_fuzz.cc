// Any bytes as jsonlog and as lines of JSON that a platform wrote: whole and in pieces they give
// the same messages and counts. Input: the size of the pieces in one byte, options in another, then
// the log.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/json.h"
#include "logparse/forms/wrapped.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

void Add(std::string& out, const Message& m) {
  for (const std::string_view part : {m.time, m.sqlstate, m.pid, m.session, m.user, m.database,
                                      m.application, m.source, m.process, m.text, m.detail, m.hint,
                                      m.query, m.context, m.location, m.backtrace, m.statement}) {
    out.append(part).append(1, '\0');
  }
  out += static_cast<char>(m.severity);
  out += static_cast<char>(m.side);
}

// Pieces are copied, so that a read beyond one is found out.
std::string Counts(Form& form, std::string_view log, std::size_t piece) {
  for (std::size_t i = 0; i < log.size(); i += piece) {
    const std::string_view part = log.substr(i, piece);
    const std::vector<char> bytes(part.begin(), part.end());
    form.Push({bytes.data(), bytes.size()});
  }
  form.Flush(true);
  std::string out;
  for (const std::uint64_t count : form.stats().unparsed) out += std::to_string(count) + ' ';
  return out + std::to_string(form.stats().lines);
}

std::string ReadJson(std::string_view log, std::size_t piece, const ReaderOptions& options) {
  std::string messages;
  JsonForm form(options, [&](const Message& m) { Add(messages, m); });
  const std::string counts = Counts(form, log, piece);
  return messages + counts;
}

std::string ReadWrapped(std::string_view log, std::size_t piece, const ReaderOptions& options) {
  std::string messages;
  WrappedForm form(
      options, [&](const Message& m) { Add(messages, m); }, Wrapping::kJson, "json");
  const std::string counts = Counts(form, log, piece);
  return messages + counts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view log(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = std::size_t{1} + data[0];
  ReaderOptions options;
  if ((data[1] & 1) != 0) options.record_bytes = 200;
  options.envelopes = 1;
  if (ReadJson(log, piece, options) != ReadJson(log, log.size() + 1, options)) std::abort();
  if (ReadWrapped(log, piece, options) != ReadWrapped(log, log.size() + 1, options)) std::abort();
  return 0;
}
