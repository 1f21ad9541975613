// What samples between scrapes have seen: one entry per collector that is sampled.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "collectors/engine/samples.h"
#include "exporter/scrape/outcome.h"

namespace pgbeacon::scrape {

struct Sampling {
  collectors::SampleTally tally;
  Outcome last;        ///< of the last sample, without families
  Duration sampled{};  ///< time that samples stand for
  Duration missed{};   ///< time that no sample stands for
  std::optional<TimePoint> looked;
  std::optional<TimePoint> good;
  TimePoint due;
};

using Samplings = std::map<std::string, Sampling, std::less<>>;

}  // namespace pgbeacon::scrape
