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

FormSample SampleForm(const std::string& path, std::uint64_t size) {
  FormSample sample;
  sample.bytes = std::max(size, kPlaceBytes);  // later lines are not looked at
  if (const Result<File> file = File::Open(path); file.ok() && size > 0) {
    log::Reader reader({}, [](const log::Message&) {});
    reader.Push(SampleBefore(*file, std::min(size, kPlaceBytes), kPlaceBytes));
    reader.Flush(true);
    sample.form = reader.form();
    if (size < kPlaceBytes) sample.bytes = size;
  }
  sample.by_lines = sample.form != log::FormKind::kAuto;
  if (sample.by_lines) return sample;
  if (path.ends_with(".csv")) sample.form = log::FormKind::kCsv;
  if (path.ends_with(".json")) sample.form = log::FormKind::kJson;
  return sample;
}

FileSample SampleFile(const File& file, std::uint64_t size) {
  log::Reader reader({}, [](const log::Message&) {});
  for (std::uint64_t place = 1; place <= kPlaces; ++place) {
    const std::uint64_t end = std::max(size / kPlaces * place, std::min(size, kPlaceBytes));
    reader.Push(SampleBefore(file, place == kPlaces ? size : end, kPlaceBytes));
    reader.Flush(true);
  }
  return {reader.form(), !reader.envelope().empty(), reader.prefix()};
}

}  // namespace pgbeacon::ingest
