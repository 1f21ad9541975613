// HeadCache: the heads of lines repeat. What a session prints between the milliseconds of the time
// and the label stays the same from line to line, so the head of most lines is recognised by one
// comparison instead of field by field.
//
// Example:
//   HeadCache cache;
//   if (cache.Match(prefix, line, head)) ...   // as prefix.Match(line, head)
//   cache.Clear();                             // before the first line of another prefix
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "logparse/prefix.h"

namespace pgbeacon::log {

/// Not thread-safe. Fixed size; none before a head is kept.
class HeadCache {
 public:
  /// The same answer as prefix.Match(line, head).
  bool Match(const Prefix& prefix, std::string_view line, Head& head);
  /// Forgets all heads.
  void Clear();

 private:
  static constexpr std::size_t kEntries = 256;
  static constexpr std::size_t kMostBytes = 112;
  static constexpr std::size_t kMostTime = 24;

  struct Slice {
    std::uint8_t begin = 0, size = 0;
  };
  struct Entry {
    std::array<char, kMostBytes> bytes;  // from the end of the repeated time to the label
    std::uint8_t size = 0;               // 0: empty
    bool stopped = false;
    std::uint8_t time = 0;  // bytes that belong to the time: its zone
    Slice pid, session, user, database, application, sqlstate, remote;
  };

  bool Recall(const Prefix& prefix, std::string_view line, Head& head);
  void Learn(const Prefix& prefix, std::string_view line, const Head& head);
  Entry& EntryAt(const char* bytes);

  struct Field;
  static const std::array<Field, 7> kFields;

  std::vector<Entry> entries_;
  std::array<char, kMostTime> time_{};  // of the last line, without its milliseconds
};

}  // namespace pgbeacon::log
