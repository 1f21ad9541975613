// What tests of the reader share: what it makes of the bytes of a log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "form_support.h"
#include "logparse/reader.h"

namespace pgbeacon::log {

inline constexpr std::string_view kDebian = "%m [%p] %q%u@%d ";
inline constexpr std::string_view kTime = "2026-11-20 20:14:23.488 UTC ";

using Strings = std::vector<std::string>;

/// What the message says, without its time and pid.
inline std::string Show(Message message) {
  message.time = message.pid = {};
  return Shown(message);
}

struct Outcome {
  std::vector<std::string> messages;
  ReaderStats stats;
  std::optional<std::string> prefix;
};

inline Outcome ReadPieces(const std::vector<std::string_view>& pieces, ReaderOptions options) {
  Outcome outcome;
  Reader reader(std::move(options), [&](const Message& m) { outcome.messages.push_back(Show(m)); });
  for (std::string_view piece : pieces) reader.Push(piece);
  reader.Flush(true);
  outcome.stats = reader.stats();
  outcome.prefix = reader.prefix();
  return outcome;
}

inline Outcome ReadAll(std::string_view log, std::string_view prefix = kDebian) {
  return ReadPieces({log}, {.prefix = std::string(prefix)});
}

inline Outcome ReadUnconfigured(std::string_view log) { return ReadPieces({log}, {}); }

inline std::uint64_t Unparsed(const Outcome& outcome, log::Unparsed reason) {
  return outcome.stats.unparsed[static_cast<std::size_t>(reason)];
}

}  // namespace pgbeacon::log
