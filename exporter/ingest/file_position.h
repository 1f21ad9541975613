// FilePosition: which file was read how far, as a row of the state that a person can read.
//
// Example:
//   rows.emplace_back(position.Key(), position.Text());    // 2049:1311768  {"path":"/var/log/...
//   std::optional<FilePosition> again = FilePosition::Parse(key, text);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/ingest/file.h"
#include "logparse/forms/form.h"

namespace pgbeacon::ingest {

/// How far a file was read. Records of other sessions go on while one is open, so everything before
/// `end` is counted but for the open records. Bytes that the reader is not given (NUL, holes) may
/// lie between, so what is told of the reader's bytes is told apart from places in the file.
struct ReadPlace {
  std::uint64_t begin = 0;  ///< where reading goes on, in the file
  std::uint64_t end = 0;    ///< what is counted already goes up to here, in the file
  std::uint64_t span = 0;   ///< bytes for the reader from begin to end
  std::vector<std::uint64_t>
      open;  ///< where open records begin, in bytes for the reader from begin
  bool operator==(const ReadPlace&) const = default;
};

struct FilePosition {
  FileId id;
  Fingerprint head;
  std::string path;        ///< absolute, of the file itself and not of a link to it
  std::uint64_t size = 0;  ///< as seen last
  ReadPlace place;
  log::FormKind form = log::FormKind::kAuto;
  std::optional<std::string> prefix;  ///< as detected or told, not as configured

  std::string Key() const;
  std::string Text() const;
  /// Nothing for what neither Key() nor Text() gave.
  static std::optional<FilePosition> Parse(const std::string& key, const std::string& text);

  /// Bytes that are known to have been there and were not read.
  std::uint64_t unread() const { return size > place.end ? size - place.end : 0; }
};

}  // namespace pgbeacon::ingest
