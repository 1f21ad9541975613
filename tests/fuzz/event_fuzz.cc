// Any bytes as one message: the fast matcher says what the naive one says, and the tally counts it.
// Input: severity, side and flags in three bytes, then SQLSTATE, CONTEXT and text, ended by LF.
// With flag 4 the text's first four bytes choose a sample of the catalogue, a place in it and how
// much of it the rest replaces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

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

// A message close to one that a row takes.
std::string ChangeSample(const Catalogue& catalogue, std::string_view change) {
  static const std::vector<std::string> samples = [&] {
    std::vector<std::string> all;
    for (const EventRow& row : catalogue.rows()) {
      all.insert(all.end(), row.samples.begin(), row.samples.end());
    }
    return all;
  }();
  const auto byte = [&](std::size_t i) -> std::size_t {
    return static_cast<unsigned char>(change[i]);
  };
  std::string text = samples[(byte(0) * 256 + byte(1)) % samples.size()];
  return text.replace(byte(2) % (text.size() + 1), byte(3) % 32, change.substr(4));
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
  std::string changed;
  if ((data[2] & 4) != 0 && input.size() >= 4) {
    changed = ChangeSample(*catalogue, input);
    message.text = changed;
  }
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
