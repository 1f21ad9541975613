// A log read in ranges by workers of their own gives the messages and counts of one pass over it.
// Input: the number of ranges in a byte, then two bytes a line (what, of which session).
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/ingest/batch_worker.h"

namespace {

using namespace pgbeacon;          // NOLINT(google-build-using-namespace)
using namespace pgbeacon::ingest;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kPrefix = "%m [%p] %q%u@%d ";

std::string Log(const std::uint8_t* data, std::size_t size) {
  std::string log;
  for (std::size_t i = 0; i + 2 <= size; i += 2) {
    const std::string number = std::to_string(i);
    std::string head = "2026-11-20 22:09:45.301 UTC [" + std::to_string(100 + data[i + 1] % 16);
    head += data[i + 1] < 240 ? "] app@shop " : "] ";
    switch (data[i] % 10) {
      case 0:
      case 1:
        log += head + "LOG:  duration: " + number + ".5 ms  statement: select 1\n";
        break;
      case 2:
      case 3:
        log += head + "ERROR:  relation \"t" + number + "\" does not exist\n";
        break;
      case 4:
        log += head + "DETAIL:  of " + number + "\n";
        break;
      case 5:
      case 6:
        log += head + "STATEMENT:  select " + number + "\n";
        break;
      case 7:
        log += "\tand more of " + number + "\n";
        break;
      case 8:
        log += "no line of the server " + number + "\n";
        break;
      default:
        log += head + "LOG:  " + std::string(data[i], 'x') + "\n";
        break;
    }
  }
  return log;
}

/// In memory, for a worker reads files.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("log", 0)) {
    const auto written = write(descriptor_, bytes.data(), bytes.size());
    if (written != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  Result<File> Open() const { return File::Open("/proc/self/fd/" + std::to_string(descriptor_)); }

 private:
  const int descriptor_;
};

struct Outcome {
  std::vector<std::string> messages;
  log::ReaderStats stats;
};

void ReadRange(const File& file, ByteRange range, std::uint64_t size, Outcome& outcome) {
  static const Result<log::Catalogue> catalogue = log::Catalogue::Builtin();
  log::ReaderOptions options;
  options.prefix = kPrefix;
  BatchWorker worker(*catalogue, {}, "fuzz", options);
  worker.set_on_message([&outcome](const log::Message& m, const log::Event&) {
    std::string& all = outcome.messages.emplace_back();
    for (const std::string_view part : {m.pid, m.user, m.text, m.detail, m.statement}) {
      all.append(part).append(1, '\0');
    }
  });
  if (!worker.ReadRange(file, range, size).ok()) std::abort();
  outcome.stats += worker.stats();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text = Log(data + 1, size - 1);
  const MemoryFile memory(text);
  const Result<File> file = memory.Open();
  const Result<log::Prefix> prefix = log::Prefix::Compile(kPrefix);
  Outcome one;
  ReadRange(*file, {0, text.size()}, text.size(), one);
  Outcome parts;
  for (const ByteRange& range : SplitRanges(*file, text.size(), 2 + data[0] % 4, &*prefix)) {
    ReadRange(*file, range, text.size(), parts);
  }
  std::ranges::sort(one.messages);
  std::ranges::sort(parts.messages);
  if (one.messages != parts.messages) std::abort();
  if (one.stats.lines != parts.stats.lines || one.stats.unparsed != parts.stats.unparsed) {
    std::abort();
  }
  return 0;
}
