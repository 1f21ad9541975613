// JsonLine: one line of JSON as logs have them: a record of jsonlog or of CloudNativePG, or what a
// platform puts around a line of text.
//
// Example:
//   JsonLineReader reader;
//   const JsonLine& json = reader.Read(line, 0);
//   if (json.kind == JsonLine::Kind::kText) UseText(json.text);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "logparse/message.h"

namespace pgbeacon::log {

/// All views are valid until the next Read().
struct JsonLine {
  enum class Kind : std::uint8_t {
    kBad,      ///< no JSON object
    kOther,    ///< one that says nothing known
    kRecord,   ///< a message of the server, in `message`
    kText,     ///< a line of text, or a piece of one, in `text`
    kPlatform  ///< a message of the platform itself, in `message`
  };

  Kind kind = Kind::kBad;
  std::string_view envelope;  ///< "docker", "cnpg", "gcp", "azure", "json"; "" around jsonlog
  std::string_view time;      ///< of the envelope
  std::string_view stream;    ///< "stdout", "stderr" or ""
  std::string_view text;      ///< without its last line feed
  bool partial = false;       ///< the text goes on in the next line of the same stream
  Message message;
};

/// Not thread-safe.
class JsonLineReader {
 public:
  JsonLineReader();
  ~JsonLineReader();
  JsonLineReader(const JsonLineReader&) = delete;
  JsonLineReader& operator=(const JsonLineReader&) = delete;

  /// Reads `line`, behind which `room` more bytes may be read; without enough of them it is copied.
  /// Bytes that are no UTF-8 come as U+FFFD.
  JsonLine& Read(std::string_view line, std::size_t room);

  /// Reads a line that was cut at its end, as far as it goes: what is missing is taken to belong to
  /// the string that it breaks off in.
  JsonLine& ReadCut(std::string_view line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The bytes that may be read behind `line`: those of `block` when it lies in there.
std::size_t RoomBehind(std::string_view line, std::string_view block);

}  // namespace pgbeacon::log
