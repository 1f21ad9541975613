// sample# records: the figures that Heroku's add-ons print as log lines
// (source=DATABASE addon=... sample#db_size=61229240bytes ...), kept as gauges until they stop
// coming.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/families.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::log {

/// A number with an optional sign, fraction, exponent and unit (bytes B kB KB MB GB TB us ms s m h
/// %) in base units, 1 kB being 1024 bytes. `scale` applies where no unit is given. Nothing for
/// what is no finite number or has another unit.
std::optional<double> ParseSampleValue(std::string_view text, double scale);

/// Seconds since the epoch of a time as ISO 8601 or a log_line_prefix prints it
/// ("2026-01-31T23:59:59.5+01:00", "2026-01-31 23:59:59.500 UTC") or of a number of seconds.
/// Nothing where the zone is not given as an offset, Z, UTC or GMT.
std::optional<double> ParseLogTime(std::string_view text);

/// The latest samples of one server. Bounded: further sources and keys are dropped and counted.
class SampleStore {
 public:
  static constexpr std::size_t kMaxSources = 100;
  static constexpr std::size_t kMaxKeys = 200;  ///< of one source

  /// Takes one line that arrived at `now` (seconds since the epoch, 0: unknown).
  void Take(const std::vector<SampleSpec>& specs, std::string_view line, double now);

  /// Adds what another store knows; of one sample the later wins.
  void Merge(const SampleStore& other);

  /// Adds the samples that are not older than three intervals of their source to `families`; all
  /// of them where `now` or their time is unknown.
  void Collect(const std::vector<SampleSpec>& specs, const std::string& server, double now,
               std::map<std::string, Family>& families) const;

  /// Series that there was no room for.
  std::uint64_t dropped() const { return dropped_; }
  /// Values that are no number of a known unit, or have no key.
  std::uint64_t unread() const { return unread_; }

 private:
  struct Sample {
    double value = 0;
    double at = 0;  ///< 0: unknown
  };
  struct Source {
    double last = 0;       ///< 0: unknown
    double interval = 60;  ///< between lines, learnt from their arrival
    std::map<std::string, Sample, std::less<>> samples;
  };

  void TakeValue(Source& source, const std::vector<SampleSpec>& specs, std::string_view word,
                 double now);

  std::map<std::pair<std::string, std::string>, Source> sources_;  // by source and addon
  std::uint64_t dropped_ = 0;
  std::uint64_t unread_ = 0;
};

}  // namespace pgbeacon::log
