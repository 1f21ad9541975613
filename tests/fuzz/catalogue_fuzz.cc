// Event catalogues and users' rows: any text loads, and then the fast matcher says of samples and
// parts of them what the naive one says, or is an error that names the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "logparse/events/catalogue.h"

namespace {

using namespace pgbeacon;       // NOLINT(google-build-using-namespace)
using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kMostRows = 50;

void Compare(const Catalogue& catalogue, const Message& message) {
  Event fast;
  Event naive;
  catalogue.Match(message, fast);
  catalogue.MatchNaively(message, naive);
  if (fast.row != naive.row || fast.fields.size() != naive.fields.size()) std::abort();
  for (std::size_t i = 0; i < fast.fields.size(); ++i) {
    if (fast.fields[i].present != naive.fields[i].present) std::abort();
    if (fast.fields[i].text != naive.fields[i].text) std::abort();
  }
}

void CompareSamples(const Catalogue& catalogue) {
  std::size_t rows = 0;
  for (const EventRow& row : catalogue.rows()) {
    if (++rows > kMostRows) return;
    for (const std::string& sample : row.samples) {
      Message message = SampleMessage(row, sample);
      Compare(catalogue, message);
      message.text = std::string_view(sample).substr(0, sample.size() / 2);
      Compare(catalogue, message);
      message.text = std::string_view(sample).substr(sample.size() / 2);
      Compare(catalogue, message);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto names_file = [](std::string_view message) {
    return message.find("fuzz.yml") != std::string_view::npos;
  };
  const Result<Catalogue> own = Catalogue::Load(text, "fuzz.yml");
  if (own.ok()) CompareSamples(*own);
  if (!own.ok() && !names_file(own.error().message)) std::abort();

  YamlErrors errors;
  YamlMap root = ReadYaml(text, "fuzz.yml", errors);
  std::vector<YamlMap> rows = root.Maps("events");
  const Result<Catalogue> users = Catalogue::Load("events: []", "own.yml", std::move(rows));
  if (users.ok()) CompareSamples(*users);
  for (const std::string& message : errors.messages()) {
    if (!names_file(message)) std::abort();
  }
  return 0;
}
