#include "exporter/state/figures.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace pgbeacon::state {
namespace {

const std::vector<double>& Bounds() {
  static const std::vector<double> bounds = {.001, .0025, .005, .01, .025, .05, .1,
                                             .25,  .5,    1,    2.5, 5,    10};
  return bounds;
}

}  // namespace

CommitFigures::CommitFigures() : counts(Bounds().size() + 1) {}

void CommitFigures::Note(double took_seconds) {
  const auto above = std::ranges::lower_bound(Bounds(), took_seconds);
  ++counts[static_cast<std::size_t>(above - Bounds().begin())];
  seconds += took_seconds;
}

void AppendStateFamilies(const CommitFigures& figures, Families& families) {
  Family& durable =
      AddFamily(families, "pgbeacon_state_durable", MetricType::Gauge,
                "Whether all that is counted is on disk; 0 while the state cannot be written.");
  AddSample(durable, {}, figures.durable ? 1 : 0);
  Family& commits = AddFamily(families, "pgbeacon_state_commit_seconds", MetricType::Histogram,
                              "Time that a commit of the state took.");
  AddHistogram(commits, {}, Bounds(), figures.counts, figures.seconds);
  Family& errors = AddFamily(families, "pgbeacon_state_errors_total", MetricType::Counter,
                             "Commits of the state that failed, by reason.");
  for (std::size_t i = 0; i < kFailures; ++i) {
    AddSample(errors, {{"reason", std::string(FailureName(static_cast<Failure>(i)))}},
              static_cast<double>(figures.errors[i]));
  }
}

}  // namespace pgbeacon::state
