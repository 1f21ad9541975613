#include "exporter/metrics/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace pgbeacon::metrics {

std::string Gzip(std::string_view text) {
  constexpr int kGzipWindow = 15 + 16;
  constexpr int kMemoryLevel = 8;
  constexpr std::size_t kLeastRoom = 4096;
  z_stream stream = {};
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();  // the only failure these constant arguments leave
  }
  std::string out;
  std::size_t written = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      const std::size_t chunk =
          std::min<std::size_t>(text.size(), std::numeric_limits<uInt>::max() / 2);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
      stream.avail_in = static_cast<uInt>(chunk);
      text.remove_prefix(chunk);
    }
    out.resize(written + std::max(kLeastRoom, written));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    const std::size_t room =
        std::min<std::size_t>(out.size() - written, std::numeric_limits<uInt>::max());
    stream.avail_out = static_cast<uInt>(room);
    state = deflate(&stream, text.empty() ? Z_FINISH : Z_NO_FLUSH);
    written += room - stream.avail_out;
  }
  deflateEnd(&stream);
  out.resize(written);
  return out;
}

}  // namespace pgbeacon::metrics
