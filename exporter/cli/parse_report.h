// What `pgbeacon parse` says about the logs it read: a summary for people, or the same as JSON.
#pragma once

#include <string>
#include <vector>

#include "exporter/ingest/batch.h"

namespace pgbeacon::cli {

/// Figures of one run, taken from the batch's families and counts.
struct ParseReport {
  ParseReport(const ingest::Batch& batch, double seconds);

  struct Row {
    std::vector<std::string> names;  ///< label values, in the order of the section's columns
    std::uint64_t count = 0;
  };
  struct Durations {
    std::string kind;
    std::uint64_t count = 0;
    double sum_seconds = 0;
    std::vector<std::pair<double, std::uint64_t>> buckets;  ///< upper bound, cumulative count
    /// The upper bound of the bucket that the share falls into.
    double Quantile(double share) const;
  };

  log::ReaderStats stats;
  double seconds = 0;
  log::FormKind form = log::FormKind::kAuto;  ///< of the last file, as are the next two
  std::string envelope;
  std::optional<std::string> prefix;
  std::string first_time, last_time;
  std::vector<Row> severities;     ///< severity; in PostgreSQL's order
  std::vector<Row> databases;      ///< database, where they are counted apart; most messages first
  std::vector<Row> events;         ///< event, class; most frequent first
  std::vector<Row> errors;         ///< severity, SQLSTATE; most frequent first
  std::vector<Row> client_errors;  ///< the same, as clients print them
  std::vector<Row> platform;       ///< event, code
  std::vector<Durations> durations;
};

std::string FormatReport(const ParseReport& report, bool color);
std::string ReportJson(const ParseReport& report, const std::vector<std::string>& files);

}  // namespace pgbeacon::cli
