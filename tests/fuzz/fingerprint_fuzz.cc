// Any bytes as a statement: its normalised text has the same fingerprint, and neither depends on
// what stands behind the statement in memory.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "logparse/fingerprint.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using pgbeacon::log::Fingerprint;
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const std::uint64_t fingerprint = Fingerprint(sql);
  const std::string text = pgbeacon::log::NormalizeStatement(sql);
  if (size < pgbeacon::log::kFingerprintBytes && text.size() < pgbeacon::log::kFingerprintBytes) {
    Require(Fingerprint(text) == fingerprint);
  }
  const std::string longer = std::string(sql) + "'x'";
  Require(Fingerprint(std::string_view(longer).substr(0, size)) == fingerprint);
  return 0;
}
