// Any bytes as one message: the fast matcher says what the naive one says, and the tally counts it.
// Input: severity, side and flags in three bytes, then SQLSTATE, CONTEXT and text, ended by LF.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "logparse/events/catalogue.h"
#include "logparse/tally.h"

namespace {

using namespace pgbeacon;       // NOLINT(google-build-using-namespace)
using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

std::string_view NextField(std::string_view& input) {
  const std::size_t end = input.find('\n');
  const std::string_view field = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return field;
}

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Result<Catalogue> catalogue = Catalogue::Builtin();
  static Tally tally(*catalogue, {});
  static const int server = tally.Server("fuzz");
  if (size < 3) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Message message;
  message.severity = static_cast<Severity>(data[0] % (kSeverities + 1));
  message.side = static_cast<Side>(data[1] % kSides);
  if ((data[2] & 1) != 0) message.source = "app";
  if ((data[2] & 2) != 0) message.process = "heroku-postgres";
  input.remove_prefix(3);
  message.sqlstate = NextField(input);
  message.context = NextField(input);
  message.text = input;
  Event fast;
  Event naive;
  catalogue->Match(message, fast);
  catalogue->MatchNaively(message, naive);
  Require(fast.row == naive.row && fast.fields.size() == naive.fields.size());
  for (std::size_t i = 0; i < fast.fields.size(); ++i) {
    Require(fast.fields[i].present == naive.fields[i].present);
    Require(fast.fields[i].text == naive.fields[i].text);
  }
  tally.Count(server, message, fast, 1000);
  return 0;
}
