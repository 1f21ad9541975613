// Delivery: one Logplex request body on its way to the ingest thread, and what became of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pgbeacon::ingest {

struct Delivery {
  std::string server;                     ///< value of the label `server`
  std::string drain;                      ///< names the drain in the state, never its token
  std::string frame_id;                   ///< Logplex-Frame-Id; empty: cannot be told from a retry
  std::optional<std::uint64_t> messages;  ///< Logplex-Msg-Count
  std::string body;                       ///< application/logplex-1, decompressed
};

enum class Taken : std::uint8_t {
  kDurable,     ///< counted, and on disk where there is a state
  kNotDurable,  ///< the state cannot be written: try again
};

/// Called once, on the ingest thread.
using OnTaken = std::function<void(Taken)>;

}  // namespace pgbeacon::ingest
