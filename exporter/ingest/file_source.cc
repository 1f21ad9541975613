#include "exporter/ingest/file_source.h"

#include <fmt/format.h>
#include <glob.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "exporter/ingest/reader_stats.h"
#include "exporter/ingest/sample.h"
#include "logparse/prefix.h"

namespace pgbeacon::ingest {
namespace {

/// Before that many lines were tried, a bad match says nothing about a prefix.
constexpr std::uint64_t kLinesToJudge = 100;

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found = {};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

bool IsCompressed(std::string_view path) {
  constexpr std::array<std::string_view, 6> kSuffixes = {".gz",  ".bz2", ".xz",
                                                         ".zst", ".lz4", ".Z"};
  return std::ranges::any_of(kSuffixes, [&](std::string_view s) { return path.ends_with(s); });
}

std::string Remedy(const Error& error) {
  if (error.code != ErrorCode::kDenied) return "; check the path; trying again";
  return "; give the user that runs pgbeacon read access (on Debian: group adm); trying again";
}

}  // namespace

struct FileSource::Tracked {
  Tracked(FileFollower follower, std::string path, TimePoint now)
      : follower(std::move(follower)), path(std::move(path)), last_data(now) {}

  FileFollower follower;
  FormSample form;
  std::unique_ptr<log::Reader> reader;  // made at the first bytes
  std::string path;                     // under which it was seen last
  TimePoint last_data;
  std::optional<TimePoint> gone_since;  // no path of the source leads to it any more
  bool seen = true;                     // by the scan that runs
  bool pending = true;                  // to be opened and read
  TimePoint open_again{};               // not tried to open before
  bool read_to_end = false;
  bool backlog = false;  // what was read last was there before pgbeacon was
  bool flushed = true;   // nothing came since the last flush
};

FileSource::FileSource(SourceOptions options, Authority& authority, log::Reader::Sink sink,
                       Guard guard)
    : options_(std::move(options)),
      authority_(authority),
      sink_(std::move(sink)),
      guard_(std::move(guard)),
      is_glob_(options_.glob.find_first_of("*?[") != std::string::npos),
      prefix_(options_.prefix) {
  if (!prefix_) return;
  const Result<log::Prefix> valid = log::Prefix::Compile(*prefix_);
  if (valid.ok()) return;
  spdlog::warn(
      "source={}: {}; the prefix is detected instead: set --source.prefix to the server's "
      "log_line_prefix",
      options_.name, valid.error().message);
  prefix_.reset();
}

FileSource::~FileSource() = default;

void FileSource::Look(TimePoint now) {
  if (now >= next_scan_) {
    Scan(now);
    next_scan_ = now + (is_glob_ ? kScanGlob : kScanPath);
  }
  OpenPending(now);
}

bool FileSource::Read(TimePoint now, std::span<char> buffer, int rank) {
  bool progressed = false;
  for (const auto& tracked : files_) {
    if (Authority::RankOf(tracked->form.form) == rank)
      progressed |= ReadBlock(*tracked, buffer, now);
  }
  return progressed;
}

void FileSource::EndRound(TimePoint now) {
  Sweep(now);
  Publish(now);
}

void FileSource::Finish() {
  for (const auto& tracked : files_) CloseReader(*tracked, true);
  guard_([this] { status_.stats = Totals(); });
}

void FileSource::TellPrefix(const std::string& prefix) {
  if (options_.prefix || prefix_ == prefix) return;
  if (!log::Prefix::Compile(prefix).ok()) return;
  prefix_ = prefix;
  prefix_warned_ = false;
  at_prefix_ = Totals();
  guard_([&] {
    for (const auto& tracked : files_) {
      if (tracked->reader) tracked->reader->SetPrefix(prefix);
    }
  });
}

// ---- finding files

/// Finds out which files there are and under which name each is now.
void FileSource::Scan(TimePoint now) {
  std::vector<std::pair<std::string, FileInfo>> found;
  std::vector<std::string> paths = Paths();
  std::erase_if(warned_, [&](const std::string& warned) {
    return warned != options_.glob && std::ranges::find(paths, warned) == paths.end();
  });
  for (std::string& path : paths) {
    const Result<FileInfo> info = StatPath(path);
    if (!info.ok()) {
      if (info.error().code != ErrorCode::kNotFound || !is_glob_) {
        WarnOnce(path, info.error().message + Remedy(info.error()));
      }
    } else if (!info->regular) {
      WarnOnce(path, path + ": not a regular file; it is not read");
    } else {
      found.emplace_back(std::move(path), *info);
    }
  }
  if (found.empty() && is_glob_) {
    WarnOnce(options_.glob,
             options_.glob + ": no file matches, or its folder cannot be read; trying again");
  } else if (is_glob_) {
    warned_.erase(options_.glob);
  }
  std::ranges::stable_sort(found, {}, [](const auto& file) { return file.second.modified_ns; });
  for (const auto& tracked : files_) tracked->seen = false;
  for (const auto& [path, info] : found) See(path, info, now);
  for (const auto& tracked : files_) {
    if (tracked->seen) {
      tracked->gone_since.reset();
    } else if (!tracked->gone_since) {
      tracked->gone_since = now;
    }
  }
  scanned_ = true;
}

std::vector<std::string> FileSource::Paths() const {
  if (!is_glob_) return {options_.glob};
  std::vector<std::string> paths = Glob(options_.glob);
  std::erase_if(paths, IsCompressed);
  return paths;
}

void FileSource::See(const std::string& path, const FileInfo& info, TimePoint now) {
  const auto known = std::ranges::find_if(
      files_, [&](const auto& tracked) { return tracked->follower.id() == info.id; });
  if (known != files_.end()) {
    Tracked& tracked = **known;
    if (!tracked.seen) tracked.path = path;
    tracked.seen = true;
    LearnForm(tracked, info);
    if (!tracked.follower.open() && tracked.follower.HasNews(info)) {
      tracked.follower.Note(info);
      tracked.pending = true;
    }
    return;
  }
  if (foreign_.contains(info.id)) return;
  const FormSample sample = SampleForm(path, info.size);
  if (IsForeign(sample.form)) {
    foreign_.insert(info.id);
    WarnOnce(path, fmt::format("{} is in the form {}, the source is declared {}; it is not read",
                               path, log::FormName(sample.form), log::FormName(options_.form)));
    return;
  }
  const bool at_start = !scanned_;
  const bool counted = !options_.all_forms && authority_.Succeeds(sample.form);
  const bool at_end = at_start ? !options_.from_begin : counted;
  // Records of the moment in which a more telling form is switched on may be lost, for they must
  // not be counted twice.
  files_.push_back(std::make_unique<Tracked>(
      FileFollower(info, at_end ? info.size : 0, at_start ? info.size : 0, now), path, now));
  files_.back()->form = sample;
  LearnForm(*files_.back(), info);
}

/// Whether a file holds another form of PostgreSQL's log than the source is declared to have.
bool FileSource::IsForeign(log::FormKind form) const {
  const int declared = Authority::RankOf(options_.form);
  const int found = Authority::RankOf(form);
  return options_.form != log::FormKind::kAuto && form != log::FormKind::kAuto && declared >= 0 &&
         found >= 0 && declared != found;
}

/// Learns the form from what was read, else from the first lines as long as they do not tell, and
/// notes that the file is written to.
void FileSource::LearnForm(Tracked& tracked, const FileInfo& info) {
  const log::FormKind read = tracked.reader ? tracked.reader->form() : log::FormKind::kAuto;
  if (read != log::FormKind::kAuto) {
    tracked.form.form = read;
    tracked.form.by_lines = true;
  } else if (!tracked.form.by_lines && info.size > tracked.form.bytes) {
    tracked.form = SampleForm(tracked.path, info.size);
  }
  if (!options_.all_forms) authority_.Note(tracked.form.form, info.modified_ns);
}

/// Opens what has something to read, oldest first, as far as kOpenFiles allows.
void FileSource::OpenPending(TimePoint now) {
  for (const auto& tracked : files_) {
    if (!tracked->pending || now < tracked->open_again) continue;
    if (!MakeRoom(now)) return;
    const Status opened = tracked->follower.Open(tracked->path);
    tracked->pending = !opened.ok();
    if (opened.ok()) {
      tracked->last_data = now;
      warned_.erase(tracked->path);
      spdlog::debug("source={} following {} from byte {}", options_.name, tracked->path,
                    tracked->follower.offset());
    } else {
      tracked->open_again = now + kScanGlob;
      if (opened.error().code != ErrorCode::kNotFound) {
        WarnOnce(tracked->path, opened.error().message + Remedy(opened.error()));
      }
    }
  }
}

/// Whether one more file may be opened; to that end the one that was quiet longest is closed.
bool FileSource::MakeRoom(TimePoint now) {
  std::size_t open = 0;
  Tracked* quiet = nullptr;
  for (const auto& tracked : files_) {
    if (!tracked->follower.open()) continue;
    ++open;
    const bool idle = tracked->follower.lag() == 0 && !tracked->follower.in_mid_line() &&
                      tracked->read_to_end && tracked->last_data < now;
    if (idle && (quiet == nullptr || tracked->last_data < quiet->last_data)) quiet = tracked.get();
  }
  if (open < kOpenFiles) return true;
  if (quiet == nullptr) return false;
  CloseReader(*quiet, false);
  quiet->follower.Close();
  return true;
}

// ---- reading

bool FileSource::ReadBlock(Tracked& tracked, std::span<char> buffer, TimePoint now) {
  const std::uint64_t offset = tracked.follower.offset();
  const bool backlog = tracked.follower.catching_up();
  const FileFollower::Block block = tracked.follower.Read(buffer, now);
  tracked.read_to_end = !block.progressed;
  if (block.restarted) {
    spdlog::info("source={} {} was truncated or rewritten: reading it from its beginning",
                 options_.name, tracked.path);
    CloseReader(tracked, true);
  }
  if (block.bytes.empty()) return block.progressed;
  tracked.backlog = backlog;
  if (!tracked.reader) MakeReader(tracked, offset);
  guard_([&] { tracked.reader->Push(block.bytes); });
  tracked.last_data = now;
  tracked.flushed = false;
  return true;
}

/// Flushes quiet readers and lets go of files that are done with.
void FileSource::Sweep(TimePoint now) {
  for (const auto& tracked : files_) {
    if (!tracked->flushed && now - tracked->last_data >= kIdleFlush) {
      guard_([&] { tracked->reader->Flush(false); });
      tracked->flushed = true;
    }
  }
  for (auto it = files_.begin(); it != files_.end();) {
    if (MayForget(**it, now)) {
      CloseReader(**it, true);
      it = files_.erase(it);
    } else {
      ++it;
    }
  }
}

/// Whether a file without a path has had its time. A renamed one is still written to until its
/// writer opens the new one: so that must have data, or nothing can write the old one by its name.
bool FileSource::MayForget(const Tracked& tracked, TimePoint now) const {
  if (!tracked.gone_since || now - std::max(*tracked.gone_since, tracked.last_data) < kGrace) {
    return false;
  }
  if (!tracked.follower.open()) return true;
  if (!tracked.read_to_end) return false;
  const std::optional<FileInfo> info = tracked.follower.file()->Info();
  if (!info || info->links == 0) return true;
  bool newer = false;
  for (const auto& other : files_) {
    if (other.get() == &tracked) newer = true;
    if (newer && !other->gone_since && other->follower.offset() + other->follower.lag() > 0) {
      return true;
    }
  }
  return false;
}

void FileSource::CloseReader(Tracked& tracked, bool end_of_input) {
  if (!tracked.reader) return;
  guard_([&] {
    tracked.reader->Flush(end_of_input);
    Add(closed_, tracked.reader->stats());
    tracked.reader.reset();
  });
  tracked.flushed = true;
}

// ---- the prefix

/// A reader for what begins at `offset`. What it is not told it first learns from lines that were
/// there before; that it may still correct.
void FileSource::MakeReader(Tracked& tracked, std::uint64_t offset) {
  log::ReaderOptions options;
  options.form = options_.form;
  options.prefix = prefix_;
  tracked.reader = std::make_unique<log::Reader>(
      std::move(options),
      [this, &tracked](const log::Message& message) { Deliver(tracked, message); });
  if (prefix_ && options_.form != log::FormKind::kAuto) return;
  const std::string sample = Sample(tracked, offset);
  guard_([&] {
    priming_ = true;
    tracked.reader->Push(sample);
    tracked.reader->Flush(true);
    priming_ = false;
    Subtract(closed_, tracked.reader->stats());
  });
}

/// Hands on what is not counted from another form of the log.
void FileSource::Deliver(const Tracked& tracked, const log::Message& message) {
  if (priming_) return;
  const log::FormKind read = tracked.reader->form();
  const log::FormKind form = read == log::FormKind::kAuto ? tracked.form.form : read;
  if (options_.all_forms || authority_.Take(form, !tracked.backlog)) {
    sink_(message);
    return;
  }
  ++status_.duplicates;
  if (!authority_.FirstWarning()) return;
  constexpr std::array<const char*, Authority::kRanks> kForms = {"text", "csv", "json"};
  spdlog::warn(
      "source={}: {} is not counted: it holds the records that the {} log of server {} has as "
      "well; name one form of the log, or set `forms: all` where they are different logs",
      options_.name, tracked.path, kForms[static_cast<std::size_t>(authority_.rank())],
      options_.server);
}

/// Lines of the same source and form: of this file before `offset`, or of the one before it.
std::string FileSource::Sample(const Tracked& tracked, std::uint64_t offset) const {
  constexpr std::uint64_t kBytes = std::uint64_t{64} << 10;
  if (offset > 0) {
    const File& file = *tracked.follower.file();
    return SampleBefore(file, std::min(offset, kBytes), kBytes) +
           SampleBefore(file, offset, kBytes);
  }
  std::string sample;
  for (const auto& other : files_) {
    if (other.get() == &tracked) break;
    const bool alike = Authority::RankOf(other->form.form) == Authority::RankOf(tracked.form.form);
    if (alike && other->follower.open()) {
      sample = SampleBefore(*other->follower.file(), other->follower.offset(), kBytes);
    }
  }
  return sample;
}

/// Warns once about a prefix that most lines do not have.
void FileSource::CheckPrefix() {
  log::ReaderStats since = status_.stats;
  Subtract(since, at_prefix_);
  status_.match_ratio.reset();
  if (since.prefix_tried > 0) {
    status_.match_ratio =
        static_cast<double>(since.prefix_matched) / static_cast<double>(since.prefix_tried);
  }
  if (prefix_warned_) return;
  if (since.unlabelled >= kLinesToJudge && since.unlabelled * 2 > since.messages) {
    prefix_warned_ = true;
    spdlog::warn(
        "source={}: most lines do not look like PostgreSQL's log (no severity such as LOG: or "
        "ERROR:); check --source.file, and give --source.prefix if it is one",
        options_.name);
    return;
  }
  if (since.prefix_tried < kLinesToJudge || *status_.match_ratio >= 0.5) return;
  prefix_warned_ = true;
  std::string prefix = prefix_.value_or("");
  for (const auto& tracked : files_) {
    if (!prefix_ && tracked->reader) prefix = tracked->reader->prefix().value_or(prefix);
  }
  spdlog::warn(
      "source={}: log_line_prefix '{}' fits {:.0f} % of {} lines; set --source.prefix to the value "
      "that SHOW log_line_prefix gives on the server that wrote this log",
      options_.name, prefix, *status_.match_ratio * 100, since.prefix_tried);
}

// ---- telling

log::ReaderStats FileSource::Totals() const {
  log::ReaderStats totals = closed_;
  for (const auto& tracked : files_) {
    if (tracked->reader) Add(totals, tracked->reader->stats());
  }
  return totals;
}

void FileSource::Publish(TimePoint now) {
  guard_([&] {
    status_.stats = Totals();
    status_.lag_bytes = 0;
    status_.lag_seconds = 0;
    status_.catching_up = false;
    for (const auto& tracked : files_) {
      const FileFollower& follower = tracked->follower;
      status_.lag_bytes += follower.lag();
      status_.catching_up |= follower.catching_up();
      if (follower.lag() > 0) {
        status_.lag_seconds = std::max(status_.lag_seconds, Seconds(now - follower.caught_up_at()));
      }
    }
    CheckPrefix();
  });
}

void FileSource::WarnOnce(const std::string& path, const std::string& message) {
  if (warned_.insert(path).second) spdlog::warn("source={}: {}", options_.name, message);
}

}  // namespace pgbeacon::ingest
