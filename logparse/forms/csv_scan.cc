#include "logparse/forms/csv_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace pgbeacon::log {
namespace {

constexpr std::size_t kBlock = 64;

// Bit i stands for byte i of a block.
struct Marks {
  std::uint64_t quotes = 0, commas = 0, feeds = 0;
};

#ifdef __SSE2__
Marks MarksOf(const char* block) {
  Marks marks;
  for (int part = 0; part < 4; ++part) {
    const __m128i bytes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + part);  // NOLINT
    const auto where = [&](char c) {
      const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
      return static_cast<std::uint64_t>(static_cast<unsigned>(mask)) << (16 * part);
    };
    marks.quotes |= where('"');
    marks.commas |= where(',');
    marks.feeds |= where('\n');
  }
  return marks;
}
#else
Marks MarksOf(const char* block) {
  Marks marks;
  for (std::size_t i = 0; i < kBlock; ++i) {
    marks.quotes |= std::uint64_t{block[i] == '"'} << i;
    marks.commas |= std::uint64_t{block[i] == ','} << i;
    marks.feeds |= std::uint64_t{block[i] == '\n'} << i;
  }
  return marks;
}
#endif

// Bit i of the result is the parity of the bits 0 to i.
std::uint64_t Parity(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

std::uint64_t Below(std::size_t bit) {
  return bit >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bit) - 1;
}

}  // namespace

void CsvScanner::Restart() {
  columns_ = 0;
  size_ = 0;
  lines_ = 0;
  escapes_ = false;
  inside_ = 0;
  after_closing_ = 0;
  after_separator_ = 1;
}

CsvScanner::Stop CsvScanner::Scan(std::string_view bytes, std::size_t& used) {
  used = 0;
  while (used < bytes.size()) {
    const std::size_t count = std::min(kBlock, bytes.size() - used);
    std::size_t taken = count;
    Stop stop;
    if (count == kBlock) {
      stop = ScanBlock(bytes.data() + used, count, taken);
    } else {
      std::array<char, kBlock> tail{};
      std::memcpy(tail.data(), bytes.data() + used, count);
      stop = ScanBlock(tail.data(), count, taken);
    }
    used += taken;
    size_ += taken;
    if (stop != Stop::kMoreNeeded) return stop;
  }
  return Stop::kMoreNeeded;
}

CsvScanner::Stop CsvScanner::ScanBlock(const char* block, std::size_t count, std::size_t& used) {
  const Marks marks = MarksOf(block);
  const std::uint64_t inside = inside_ ^ (marks.quotes == 0 ? 0 : Parity(marks.quotes));
  const std::uint64_t ends = (marks.commas | marks.feeds) & ~inside;
  const std::uint64_t opening = marks.quotes & inside;
  const std::uint64_t closing = marks.quotes & ~inside;
  const std::uint64_t after_closing = (closing << 1) | after_closing_;
  const std::uint64_t after_separator = (ends << 1) | after_separator_;
  std::uint64_t wrong =
      ((after_closing & ~(ends | marks.quotes)) | (opening & ~(after_closing | after_separator))) &
      Below(count);
  const std::uint64_t feed = marks.feeds & ends;
  const std::size_t last = feed == 0 ? count : static_cast<std::size_t>(std::countr_zero(feed)) + 1;
  Stop stop = feed == 0 ? Stop::kMoreNeeded : Stop::kRecord;
  used = last;
  wrong &= Below(last);
  while (wrong != 0) {
    const auto at = static_cast<std::size_t>(std::countr_zero(wrong));
    if (block[at] != '\r') {  // of a line that ends with CRLF
      used = at;
      stop = Stop::kBroken;
      break;
    }
    wrong &= wrong - 1;
  }
  for (std::uint64_t rest = ends & Below(used); rest != 0; rest &= rest - 1) {
    const auto at = static_cast<std::size_t>(std::countr_zero(rest));
    if (columns_ == kMostColumns) {
      used = at;
      stop = Stop::kBroken;
      break;
    }
    ends_[columns_++] = size_ + at;
  }
  lines_ += static_cast<std::uint64_t>(std::popcount(marks.feeds & Below(used)));
  escapes_ |= (opening & after_closing & Below(used)) != 0;
  inside_ = ((inside >> (count - 1)) & 1) != 0 ? ~std::uint64_t{0} : 0;
  after_closing_ = (closing >> (count - 1)) & 1;
  after_separator_ = (ends >> (count - 1)) & 1;
  return stop;
}

}  // namespace pgbeacon::log
