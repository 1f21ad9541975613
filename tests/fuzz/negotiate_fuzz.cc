// Accept and Accept-Encoding: any bytes have an answer, and nobody gets what they did not name.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "exporter/metrics/negotiate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pgbeacon::metrics;
  std::string header(reinterpret_cast<const char*>(data), size);
  const Format format = NegotiateFormat(header);
  const bool gzip = AcceptsGzip(header);
  std::ranges::transform(header, header.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto names = [&](std::string_view word) { return header.find(word) != std::string::npos; };
  if (format == Format::kOpenMetrics && !names("application/openmetrics-text")) std::abort();
  if (gzip && !names("gzip") && !names("*")) std::abort();
  return 0;
}
