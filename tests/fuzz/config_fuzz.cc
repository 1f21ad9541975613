// The config file, and after a line "---8<---" a file of targets that it names: any text is a
// config and its mistakes, each of which says in which file it is; every target that is left has a
// name and a connection string that libpq takes.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/config/config.h"
#include "exporter/pg/conninfo.h"

namespace {

using pgbeacon::config::Target;

constexpr std::string_view kSplit = "\n---8<---\n";

void Expect(bool truth) {
  if (!truth) std::abort();
}

void Check(const Target& target) {
  Expect(!target.name.empty());
  Expect(pgbeacon::pg::CheckConninfo(target.conninfo).ok());
}

/// A file without a place on disk.
class Memory {
 public:
  explicit Memory(std::string_view text) : descriptor_(memfd_create("targets", 0)) {
    Expect(descriptor_ >= 0);
    Expect(write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~Memory() { close(descriptor_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find(kSplit);
  const std::string_view text = input.substr(0, split);
  auto config = pgbeacon::config::ReadConfig(text, "fuzz.yml");
  for (const std::string& mistake : config.errors->messages()) {
    Expect(mistake.find("fuzz.yml") != std::string::npos);
  }
  for (const Target* target : pgbeacon::config::AllTargets(config)) Check(*target);
  if (split == std::string_view::npos) return 0;
  const Memory file(input.substr(split + kSplit.size()));
  config.file_sd.files = {file.path()};
  pgbeacon::config::Discovered last;
  for (const Target& target : pgbeacon::config::LoadFileSd(config, last)) Check(target);
  for (const std::string& mistake : config.file_sd_errors.messages()) {
    Expect(mistake.find(file.path()) != std::string::npos);
  }
  return 0;
}
