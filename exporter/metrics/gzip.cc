#include "exporter/metrics/gzip.h"

#include <libdeflate.h>

#include <memory>
#include <new>

namespace pgbeacon::metrics {
namespace {

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const {
    libdeflate_free_compressor(compressor);
  }
};

}  // namespace

std::string Gzip(std::string_view text) {
  constexpr int kFastest = 1;
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
      libdeflate_alloc_compressor(kFastest));
  if (!compressor) throw std::bad_alloc();
  const std::size_t room = libdeflate_gzip_compress_bound(compressor.get(), text.size());
  const std::unique_ptr<char[]> out(new char[room]);  // touched as far as it is written
  return std::string(out.get(), libdeflate_gzip_compress(compressor.get(), text.data(), text.size(),
                                                         out.get(), room));
}

}  // namespace pgbeacon::metrics
