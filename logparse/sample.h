// sample#, count# and measure# records: the figures that Heroku's add-ons and dynos print as log
// lines (source=DATABASE addon=... sample#db_size=61229240bytes ...). Samples are gauges until they
// stop coming; counts add up; measurements are distributed over buckets.
//
// Example:
//   SampleStore store;
//   store.Take(catalogue.samples(), message.text, now);
//   store.Collect(catalogue.samples(), "orders", now, families);
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/families.h"
#include "logparse/events/catalogue.h"
#include "logparse/exact_sum.h"
#include "logparse/sample_line.h"

namespace pgbeacon::log {

/// The figures of one server. Bounded: what there is no room for is dropped and counted.
class SampleStore {
 public:
  static constexpr std::size_t kMaxSources = 100;
  static constexpr std::size_t kMaxKeys = 200;      ///< of one source
  static constexpr std::size_t kMaxSamples = 5000;  ///< of all sources
  static constexpr std::size_t kMaxCounts = 1000;
  static constexpr std::size_t kMaxMeasures = 200;

  /// Upper bounds of measurements, for seconds and for bytes alike.
  static const std::vector<double>& Bounds();

  /// Takes one line that arrived at `now` (seconds since the epoch, 0: unknown).
  void Take(const std::vector<SampleSpec>& specs, std::string_view line, double now,
            std::optional<double> written = std::nullopt);

  /// Adds what another store knows; of one sample the later wins.
  void Merge(const SampleStore& other);

  /// Adds counts, measurements and the samples that are not older than three of their intervals to
  /// `families`; all samples where `now` or their time is unknown.
  void Collect(const std::vector<SampleSpec>& specs, const std::string& server, double now,
               std::map<std::string, Family>& families) const;

  /// Tells all that differs from `since`, an earlier state of this store, as readable text: each
  /// row given to since.Restore() makes both equal. An empty value: the key is gone.
  void Changes(const SampleStore& since,
               const std::function<void(std::string_view key, std::string_view value)>& row) const;

  /// Sets what a row tells. False, and nothing changed, where it is malformed or there is no room.
  bool Restore(std::string_view key, std::string_view value);

  /// Values that there was no room for.
  std::uint64_t dropped() const { return dropped_; }
  /// Values that are no number of a unit that fits, or have no key.
  std::uint64_t unread() const { return unread_; }

 private:
  struct Sample {
    double value = 0;
    double at = 0;         ///< 0: unknown
    double interval = 60;  ///< between values, learnt from their arrival
    /// Whether more of its intervals have passed than it may miss.
    bool Stale(double now) const;
    bool operator==(const Sample&) const = default;
  };
  struct Source {
    double last = 0;  ///< 0: unknown
    std::map<std::string, Sample, std::less<>> samples;
  };
  struct Measure {
    std::vector<std::uint64_t> buckets;  ///< one more than Bounds()
    ExactSum sum;
    bool operator==(const Measure&) const = default;
  };
  using Name = std::pair<std::string, std::string>;  // source and addon, or source and key

  enum class Taken : std::uint8_t { kYes, kUnread, kNoRoom };

  /// The source, if need be in place of those that have stopped; null where there is no room.
  Source* Admit(const Name& name, double now);
  void Forget(std::map<Name, Source>::iterator source);
  Taken TakeSample(Source* source, const std::vector<SampleSpec>& specs, const SampleField& field,
                   double now);
  Taken TakeCount(const Name& name, std::string_view value);
  Taken TakeMeasure(const Name& name, std::string_view value);

  // sample_state.cc
  bool RestoreTotals(std::string_view value);
  bool RestoreSource(const Name& name, std::string_view value);
  bool RestoreSample(const Name& name, const std::string& key, std::string_view value);
  bool RestoreCount(const Name& name, std::string_view value);
  bool RestoreMeasure(const Name& name, std::string_view value);

  std::map<Name, Source> sources_;
  std::map<Name, ExactSum> counts_;
  std::map<Name, Measure> measures_;
  std::size_t samples_ = 0;  // of all sources
  std::uint64_t taken_ = 0;  // lines: what has not changed since took as many
  std::uint64_t dropped_ = 0;
  std::uint64_t unread_ = 0;
};

}  // namespace pgbeacon::log
