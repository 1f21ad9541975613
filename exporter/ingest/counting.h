// Counting: where sources hand over what they read.
#pragma once

#include <string>
#include <string_view>

#include "exporter/fanout/line.h"
#include "logparse/message.h"
#include "logparse/tally.h"

namespace pgbeacon::ingest {

/// Called on the ingest thread alone.
class Counting {
 public:
  virtual ~Counting() = default;

  /// The handle of a server by the value of the label `server`. There are at most so many; what
  /// comes after is counted as "other".
  virtual int Server(std::string_view name) = 0;
  virtual void Count(int server, const log::Message& message, log::Written written) = 0;

  /// Whether anybody wants lines; else Show() need not be called.
  virtual bool shows() const = 0;
  virtual void Show(const fanout::Line& line) = 0;
};

}  // namespace pgbeacon::ingest
