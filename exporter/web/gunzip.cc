#include "exporter/web/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>

namespace pgbeacon::web {
namespace {

constexpr int kGzipWindow = 15 + 16;
constexpr std::size_t kPiece = std::size_t{64} << 10;

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

Unzipped Gunzip(std::string_view bytes, std::size_t most) {
  Unzipped out;
  z_stream stream = {};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, InflateEnd> end(&stream);
  const auto piece = std::make_unique<std::array<char, kPiece>>();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in =
      static_cast<uInt>(std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
  int state = Z_OK;
  while (state == Z_OK || (state == Z_STREAM_END && stream.avail_in > 0)) {
    if (state == Z_STREAM_END && inflateReset(&stream) != Z_OK) break;
    stream.next_out = reinterpret_cast<Bytef*>(piece->data());
    stream.avail_out = kPiece;
    state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t count = kPiece - stream.avail_out;
    if (count > most - out.text.size()) {
      out.too_large = true;
      return out;
    }
    out.text.append(piece->data(), count);
  }
  out.broken = state != Z_STREAM_END;
  return out;
}

}  // namespace pgbeacon::web
