// CsvScanner: finds where the columns of one csvlog record end, 64 bytes at a time, whatever way
// the bytes arrive.
//
// Example:
//   CsvScanner scanner;
//   std::size_t used = 0;
//   if (scanner.Scan(bytes, used) == CsvScanner::Stop::kRecord) {
//     std::string_view time = bytes.substr(0, scanner.ColumnEnd(0));
//   }
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgbeacon::log {

/// The grammar is the server's own: a column is quoted from its first to its last byte, with quotes
/// inside it doubled, or holds no quote at all. So text inside quotes that is taken for the
/// outside, because the record was opened in its middle or the one before it was cut, soon breaks
/// it.
class CsvScanner {
 public:
  static constexpr std::size_t kMostColumns = 32;

  enum class Stop : std::uint8_t {
    kMoreNeeded,  ///< the record goes on behind `bytes`, all of which are used
    kRecord,      ///< it ended with the last byte used, a line feed outside quotes
    kBroken,      ///< the first byte not used breaks the grammar
  };

  /// The next byte begins a record.
  void Restart();

  /// Goes on with `bytes`, which continue the record.
  Stop Scan(std::string_view bytes, std::size_t& used);

  /// The complete columns; the last one is complete only at the end of the record.
  std::size_t columns() const { return columns_; }
  /// Where column `index` ends, counted from the begin of the record.
  std::size_t ColumnEnd(std::size_t index) const { return ends_[index]; }
  /// Bytes of the record scanned so far.
  std::size_t size() const { return size_; }
  /// Line feeds among them.
  std::uint64_t lines() const { return lines_; }
  /// Whether some column holds doubled quotes.
  bool escapes() const { return escapes_; }
  bool inside_quotes() const { return inside_ != 0; }

 private:
  Stop ScanBlock(const char* block, std::size_t count, std::size_t& used);

  std::array<std::size_t, kMostColumns> ends_;
  std::size_t columns_ = 0;
  std::size_t size_ = 0;
  std::uint64_t lines_ = 0;
  bool escapes_ = false;
  // What the byte before says about the next one.
  std::uint64_t inside_ = 0;           // all bits: inside quotes
  std::uint64_t after_closing_ = 0;    // 1: a closing quote, or the first of two
  std::uint64_t after_separator_ = 1;  // 1: a comma, or nothing
};

}  // namespace pgbeacon::log
