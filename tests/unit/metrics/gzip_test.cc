#include "exporter/metrics/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace pgbeacon::metrics {
namespace {

std::string Gunzip(const std::string& bytes, std::size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Gzip, ReadsBackEqual) {
  std::mt19937 random(1);
  for (const std::size_t size : {0UL, 1UL, 4095UL, 4096UL, 4097UL, 100'000UL, 3'000'000UL}) {
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    EXPECT_EQ(Gunzip(Gzip(noise), size), noise) << size;
    const std::string text(size, 'a');
    EXPECT_EQ(Gunzip(Gzip(text), size), text) << size;
  }
}

TEST(Gzip, ShrinksText) { EXPECT_LT(Gzip(std::string(100'000, 'a')).size(), 2000U); }

}  // namespace
}  // namespace pgbeacon::metrics
