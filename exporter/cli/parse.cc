#include "exporter/cli/parse.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "exporter/cli/event_json.h"
#include "exporter/cli/options.h"
#include "exporter/cli/parse_report.h"
#include "exporter/cli/parse_top.h"
#include "exporter/cli/table.h"
#include "exporter/ingest/batch.h"
#include "exporter/metrics/writer.h"
#include "logparse/prefix.h"

namespace pgbeacon::cli {
namespace {

constexpr const char* kServer = "log";  // label `server`: a file does not tell whose log it is
constexpr std::size_t kWriteBytes = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kProgressEvery{200};

void Complain(const std::string& message) {
  std::fputs(("pgbeacon parse: " + message + "\n").c_str(), stderr);
}

/// A line on stderr that tells how far reading is; only where a person looks at a terminal.
class Progress {
 public:
  void Show(const std::string& file, std::uint64_t done, std::uint64_t size) {
    const TimePoint now = SteadyClock::now();
    if (!on_ || now < next_) return;
    next_ = now + kProgressEvery;
    std::string line = fmt::format("\r{} {} MB", file, done >> 20);
    if (size > 0) {
      const auto tenths = static_cast<int>(std::min(done, size) * 20 / size);
      line += fmt::format(" [{:<20}] {:3d} %", std::string(tenths, '#'),
                          std::min(done, size) * 100 / size);
    }
    std::fputs((line + "\x1b[K").c_str(), stderr);
    shown_ = true;
  }
  void Clear() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    shown_ = false;
  }

 private:
  const bool on_ = isatty(STDERR_FILENO) == 1;
  TimePoint next_ = SteadyClock::now() + kProgressEvery;
  bool shown_ = false;
};

bool Write(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

std::uint64_t Unparsed(const log::ReaderStats& stats, log::Unparsed reason) {
  return stats.unparsed[static_cast<std::size_t>(reason)];
}

/// Warns where the log is not what the options say, or none of PostgreSQL's.
void Judge(const ParseOptions& options, const ingest::Batch& batch) {
  const log::ReaderStats& stats = batch.stats();
  if (stats.unlabelled > 1 && stats.unlabelled * 2 > stats.messages) {
    Complain(
        fmt::format("{} of {} messages have no severity (LOG:, ERROR: ...): this does not look "
                    "like PostgreSQL's log; if it is, tell --prefix",
                    stats.unlabelled, stats.messages));
  }
  const std::uint64_t unfit = Unparsed(stats, log::Unparsed::kNoPrefix);
  if (unfit > 1 && unfit * 200 > stats.prefix_tried) {
    Complain(fmt::format(
        "log_line_prefix '{}', as {}, fits {} of {} lines; {} lines gave no message. Give --prefix "
        "what SHOW log_line_prefix says on that server",
        batch.prefix().value_or(""), options.prefix ? "told" : "detected", stats.prefix_matched,
        stats.prefix_tried, unfit));
  }
  const std::uint64_t bad =
      Unparsed(stats, log::Unparsed::kBadCsv) + Unparsed(stats, log::Unparsed::kBadJson);
  if (bad > 1 && bad * 2 > stats.lines) {
    Complain(fmt::format(
        "{} of {} lines are no records of the form {}; {}", bad, stats.lines,
        log::FormName(batch.form()),
        options.format == "auto" ? "give --format" : "leave --format out to have it found out"));
  }
}

std::string Page(const ingest::Batch& batch) {
  Families families = batch.tally().Collect(0);
  Normalize(families);
  std::string page;
  metrics::WritePage(metrics::Format::kText, families, page);
  return page;
}

bool WriteResult(const ParseOptions& options, const ingest::Batch& batch, double seconds) {
  if (options.output == "prom") return Write(Page(batch));
  if (options.top > 0) {
    return Write(options.output == "json" ? TopJson(batch.tally(), options.top)
                                          : FormatTop(batch.tally(), options.top, WantsColor()));
  }
  const ParseReport report(batch, seconds);
  return Write(options.output == "json" ? ReportJson(report, options.files)
                                        : FormatReport(report, WantsColor()));
}

}  // namespace

int RunParse(const ParseOptions& options) {
  if (options.prefix) {
    const Result<log::Prefix> prefix = log::Prefix::Compile(*options.prefix);
    if (!prefix.ok()) {
      Complain("--prefix: " + prefix.error().message);
      return 2;
    }
  }
  config::Config config;
  if (!options.config_file.empty()) config = config::LoadConfig(options.config_file);
  Result<log::Catalogue> catalogue = config::LoadEvents(config);
  if (!catalogue.ok() || !config.errors->empty()) {
    Complain((catalogue.ok() ? config.errors->ToError() : catalogue.error()).message);
    return 1;
  }
  ingest::BatchOptions batch_options;
  batch_options.form = *log::ParseForm(options.format);
  batch_options.prefix = options.prefix;
  batch_options.server = kServer;
  batch_options.threads = options.threads;
  batch_options.tally = ToTallyOptions(config, options.datname_limit, options.fingerprints);
  if (options.top > 0 && batch_options.tally.fingerprints == 0) {
    batch_options.tally.fingerprints = options.top;
  }
  batch_options.tally.keep_texts = options.top > 0 && options.with_text;
  ingest::Batch batch(*catalogue, std::move(batch_options));
  Progress progress;
  std::string out;
  bool written = true;
  if (options.events) {
    batch.set_on_message([&](const log::Message& message, const log::Event& event) {
      AppendEventJson(kServer, message, event, options.with_text, out);
      if (out.size() < kWriteBytes) return;
      written = written && Write(out);
      out.clear();
    });
  }
  const TimePoint start = SteadyClock::now();
  bool failed = false;
  for (const std::string& file : options.files) {
    batch.set_on_progress(
        [&](std::uint64_t done, std::uint64_t size) { progress.Show(file, done, size); });
    const Status status = batch.Read(file);
    progress.Clear();
    if (!status.ok()) Complain(status.error().message);
    failed = failed || !status.ok();
  }
  if (failed && batch.stats().bytes == 0) return 1;
  Judge(options, batch);
  written = written &&
            (options.events ? Write(out)
                            : WriteResult(options, batch, Seconds(SteadyClock::now() - start)));
  if (std::fflush(stdout) != 0 || !written) {
    Complain("stdout: writing failed");
    failed = true;
  }
  return failed ? 1 : 0;
}

}  // namespace pgbeacon::cli
