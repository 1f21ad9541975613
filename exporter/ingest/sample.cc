#include "exporter/ingest/sample.h"

#include <algorithm>

#include "logparse/reader.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::uint64_t kPlaces = 8;
constexpr std::uint64_t kPlaceBytes = std::uint64_t{64} << 10;

}  // namespace

std::string SampleBefore(const File& file, std::uint64_t end, std::uint64_t bytes) {
  const std::uint64_t begin = end - std::min(end, bytes);
  std::string sample(end - begin, '\0');
  sample.resize(file.ReadAt(begin, sample).value_or(0));
  sample.resize(sample.rfind('\n') + 1);
  if (begin > 0) sample.erase(0, sample.find('\n') + 1);
  return sample;
}

std::optional<std::string> DetectPrefix(const File& file, std::uint64_t size) {
  log::Reader reader({}, [](const log::Message&) {});
  for (std::uint64_t place = 1; place <= kPlaces; ++place) {
    const std::uint64_t end = std::max(size / kPlaces * place, std::min(size, kPlaceBytes));
    reader.Push(SampleBefore(file, place == kPlaces ? size : end, kPlaceBytes));
    reader.Flush(true);
  }
  return reader.prefix();
}

}  // namespace pgbeacon::ingest
