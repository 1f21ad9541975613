// What pgbackrest.h has read, as families: by backup, of the last ones, and the recovery window.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>

#include "collectors/native/pgbackrest.h"

namespace pgbeacon::collectors {
namespace {

constexpr auto kGauge = MetricType::Gauge;

// clang-format off
constexpr Metric kStanzaStatus = {"pgbackrest_stanza_status", kGauge, "Status of the stanza: 0 is ok, others are pgBackRest's codes."};
constexpr Metric kLock = {"pgbackrest_stanza_lock_status", kGauge, "Whether a backup, expire or stanza command is running."};
constexpr Metric kComplete = {"pgbackrest_stanza_backup_compete_bytes", kGauge, "Bytes done by the backup under way."};
constexpr Metric kTotal = {"pgbackrest_stanza_backup_total_bytes", kGauge, "Bytes of the backup under way."};
constexpr Metric kRepoStatus = {"pgbackrest_repo_status", kGauge, "Status of the stanza in one repository: 0 is ok, others are pgBackRest's codes."};
constexpr Metric kWal = {"pgbackrest_wal_archive_status", kGauge, "Whether the archive of the cluster holds WAL."};
constexpr Metric kInfo = {"pgbackrest_backup_info", kGauge, "A backup that is there; always 1."};
constexpr Metric kDuration = {"pgbackrest_backup_duration_seconds", kGauge, "How long the backup took."};
constexpr Metric kSince = {"pgbackrest_backup_since_last_completion_seconds", kGauge, "Time since a backup of this type, or of one that it builds on, was complete."};
constexpr Metric kMatches = {"pg_backup_matches_server", kGauge, "Whether the repository is for this server's system identifier and major version."};
constexpr Metric kWindowStart = {"pg_backup_recovery_window_start_timestamp_seconds", kGauge, "The earliest time that can be recovered to: the end of the oldest good backup whose WAL the archive still holds."};
constexpr Metric kWindowEnd = {"pg_backup_recovery_window_end_timestamp_seconds", kGauge, "The latest time that is known to be recoverable: the end of the last backup, or of the newest archived WAL where that is known."};
constexpr Metric kWindow = {"pg_backup_recovery_window_seconds", kGauge, "Length of the recovery window."};
constexpr Metric kWalStart = {"pg_backup_wal_archive_start_lsn_bytes", kGauge, "WAL position at which the oldest archived segment begins."};
constexpr Metric kWalEnd = {"pg_backup_wal_archive_end_lsn_bytes", kGauge, "WAL position at which the newest archived segment ends."};
constexpr Metric kWalTimeline = {"pg_backup_wal_archive_timeline", kGauge, "Timeline of the newest archived segment."};
// clang-format on

/// A value of each backup, under two names: of every backup, and of the last of each type.
struct Figure {
  Metric each;
  Metric last;
  std::optional<double> (*of)(const BackrestBackup&);
};

// clang-format off
constexpr Figure kFigures[] = {
    {{"pgbackrest_backup_size_bytes", kGauge, "Size of the database that the backup restores."},
     {"pgbackrest_backup_last_size_bytes", kGauge, "Size of the database that the last backup restores."},
     [](const BackrestBackup& b) { return b.backup.size; }},
    {{"pgbackrest_backup_delta_bytes", kGauge, "Bytes of the database that had to be copied."},
     {"pgbackrest_backup_last_delta_bytes", kGauge, "Bytes of the database that the last backup had to copy."},
     [](const BackrestBackup& b) { return b.delta; }},
    {{"pgbackrest_backup_repo_size_bytes", kGauge, "Bytes in the repository that a restore of the backup needs."},
     {"pgbackrest_backup_last_repo_size_bytes", kGauge, "Bytes in the repository that a restore of the last backup needs."},
     [](const BackrestBackup& b) { return b.stored_whole; }},
    {{"pgbackrest_backup_repo_delta_bytes", kGauge, "Bytes that the backup added to the repository."},
     {"pgbackrest_backup_last_repo_delta_bytes", kGauge, "Bytes that the last backup added to the repository."},
     [](const BackrestBackup& b) { return b.backup.stored; }},
    {{"pgbackrest_backup_repo_size_map_bytes", kGauge, "Size of the block incremental map."},
     {"pgbackrest_backup_last_repo_size_map_bytes", kGauge, "Size of the last backup's block incremental map."},
     [](const BackrestBackup& b) { return b.size_map; }},
    {{"pgbackrest_backup_repo_delta_map_bytes", kGauge, "Size of the block incremental delta map."},
     {"pgbackrest_backup_last_repo_delta_map_bytes", kGauge, "Size of the last backup's block incremental delta map."},
     [](const BackrestBackup& b) { return b.delta_map; }},
    {{"pgbackrest_backup_annotations", kGauge, "Annotations of the backup."},
     {"pgbackrest_backup_last_annotations", kGauge, "Annotations of the last backup."},
     [](const BackrestBackup& b) { return b.annotations; }},
    {{"pgbackrest_backup_error_status", kGauge, "Whether the backup found page checksum errors."},
     {"pgbackrest_backup_last_error_status", kGauge, "Whether the last backup found page checksum errors."},
     [](const BackrestBackup& b) { return b.error ? std::optional<double>(*b.error) : std::nullopt; }},
};
constexpr Metric kLastDuration = {"pgbackrest_backup_last_duration_seconds", kGauge, "How long the last backup took."};
// clang-format on

/// A WAL segment's name in numbers.
struct Segment {
  double timeline = 0;
  double start = 0;  ///< bytes
};

std::optional<double> Hexadecimal(std::string_view digits) {
  double number = 0;
  for (const char c : digits) {
    const std::size_t digit = std::string_view("0123456789ABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    number = number * 16 + static_cast<double>(digit);
  }
  return number;
}

std::optional<Segment> ParseSegment(const std::string& name, double bytes) {
  if (name.size() != 24) return std::nullopt;
  const auto timeline = Hexadecimal(std::string_view(name).substr(0, 8));
  const auto high = Hexadecimal(std::string_view(name).substr(8, 8));
  const auto low = Hexadecimal(std::string_view(name).substr(16, 8));
  if (!timeline || !high || !low) return std::nullopt;
  return Segment{*timeline, *high * 4294967296.0 + *low * bytes};
}

/// Orders segments of one cluster by their place, whatever their timeline.
std::string_view PlaceOf(const std::string& segment) {
  return std::string_view(segment).substr(std::min<std::size_t>(8, segment.size()));
}

std::string UtcText(double seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(static_cast<std::int64_t>(seconds))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

double DurationOf(const BackrestBackup& backup) {
  return std::max(0.0, backup.backup.stop - backup.backup.start.value_or(backup.backup.stop));
}

class Writer {
 public:
  Writer(const BackrestStanza& stanza, const BackrestContext& context, Sheet& sheet)
      : stanza_(stanza), context_(context), sheet_(sheet) {}

  /// What there is of the stanza as a whole.
  void WriteStanza() {
    const Labels labels = {{"stanza", stanza_.name}};
    sheet_.Add(kStanzaStatus, labels, stanza_.status.code);
    if (stanza_.status.locked) sheet_.Add(kLock, labels, *stanza_.status.locked ? 1 : 0);
    sheet_.Add(kComplete, labels, stanza_.status.complete_bytes);
    sheet_.Add(kTotal, labels, stanza_.status.total_bytes);
    for (const BackrestRepo& repo : stanza_.repos) {
      sheet_.Add(kRepoStatus,
                 {{"cipher", repo.cipher}, {"repo_key", repo.key}, {"stanza", stanza_.name}},
                 repo.status);
    }
    WriteLast();
    WriteArchives();
    WriteSets();
  }

  void WriteBackups() {
    for (const BackrestBackup& backup : stanza_.backups) WriteBackup(backup);
  }

 private:
  void WriteBackup(const BackrestBackup& backup) {
    Labels labels = {{"backup_name", backup.label},
                     {"backup_type", backup.backup.type},
                     {"block_incr", backup.blocks ? "y" : "n"},
                     {"database_id", backup.database},
                     {"repo_key", backup.repo},
                     {"stanza", stanza_.name}};
    for (const Figure& figure : kFigures) sheet_.Add(figure.each, labels, figure.of(backup));
    Labels timed = labels;
    if (backup.backup.start) timed.emplace_back("start_time", UtcText(*backup.backup.start));
    timed.emplace_back("stop_time", UtcText(backup.backup.stop));
    if (backup.backup.start) sheet_.Add(kDuration, timed, DurationOf(backup));
    labels.emplace_back("backrest_ver", backup.backrest_version);
    labels.emplace_back("pg_version", VersionOf(backup));
    labels.emplace_back("prior", backup.prior);
    labels.emplace_back("lsn_start", backup.lsn_start);
    labels.emplace_back("lsn_stop", backup.lsn_stop);
    labels.emplace_back("wal_start", backup.wal_start);
    labels.emplace_back("wal_stop", backup.wal_stop);
    sheet_.Add(kInfo, labels, 1);
  }

  std::string VersionOf(const BackrestBackup& backup) const {
    for (const BackrestDatabase& database : stanza_.databases) {
      if (database.id == backup.database && database.repo == backup.repo) return database.version;
    }
    return "";
  }

  /// A full backup is as good as a differential one, and that as an incremental one.
  void WriteLast() {
    const BackrestBackup* last = nullptr;
    for (const char* type : {"full", "diff", "incr"}) {
      for (const BackrestBackup& backup : stanza_.backups) {
        if (backup.backup.type != type) continue;
        if (!last || backup.backup.stop >= last->backup.stop) last = &backup;
      }
      if (!last) continue;
      const Labels labels = {{"backup_type", type},
                             {"block_incr", last->blocks ? "y" : "n"},
                             {"stanza", stanza_.name}};
      for (const Figure& figure : kFigures) sheet_.Add(figure.last, labels, figure.of(*last));
      sheet_.Add(kLastDuration, labels, DurationOf(*last));
      sheet_.Add(kSince, labels, std::max(0.0, context_.now - last->backup.stop));
    }
  }

  void WriteArchives() {
    for (const BackrestArchive& archive : stanza_.archives) {
      sheet_.Add(kWal,
                 {{"database_id", archive.database},
                  {"pg_version", archive.id.substr(0, archive.id.find('-'))},
                  {"repo_key", archive.repo},
                  {"stanza", stanza_.name}},
                 archive.min.empty() || archive.max.empty() ? 0 : 1);
    }
  }

  /// Of each repository, for the cluster that the stanza is for now.
  void WriteSets() {
    std::map<std::string, const BackrestDatabase*> current;  // by repository; the last one listed
    for (const BackrestDatabase& database : stanza_.databases) current[database.repo] = &database;
    for (const auto& [repo, database] : current) {
      BackupSet set{.name = stanza_.name, .kind = "pgbackrest", .repo = repo, .backups = {}};
      for (const BackrestBackup& backup : stanza_.backups) {
        if (backup.repo == repo) set.backups.push_back(backup.backup);
      }
      const auto unreadable = stanza_.unreadable.find(repo);
      if (unreadable != stanza_.unreadable.end()) set.unreadable = unreadable->second;
      AddBackups(set, context_.now, sheet_);
      if (!context_.system_identifier.empty() && !database->system_identifier.empty()) {
        sheet_.Add(kMatches, set.labels(), Matches(*database) ? 1 : 0);
      }
      for (const BackrestArchive& archive : stanza_.archives) {
        if (archive.repo == repo && archive.database == database->id) {
          WriteWindow(set.labels(), *database, archive);
        }
      }
    }
  }

  bool Matches(const BackrestDatabase& database) const {
    return database.system_identifier == context_.system_identifier &&
           database.version == std::to_string(context_.major);
  }

  void WriteWindow(const Labels& labels, const BackrestDatabase& database,
                   const BackrestArchive& archive) {
    if (const auto bytes = context_.wal_segment_bytes; bytes && Matches(database)) {
      const auto first = ParseSegment(archive.min, *bytes);
      const auto last = ParseSegment(archive.max, *bytes);
      if (first) sheet_.Add(kWalStart, labels, first->start);
      if (last) sheet_.Add(kWalEnd, labels, last->start + *bytes);
      if (last) sheet_.Add(kWalTimeline, labels, last->timeline);
    }
    std::optional<double> start;
    std::optional<double> end;
    for (const BackrestBackup& backup : stanza_.backups) {
      const bool here = backup.repo == archive.repo && backup.database == archive.database;
      const bool whole = !backup.wal_start.empty() && !archive.min.empty() &&
                         PlaceOf(backup.wal_start) >= PlaceOf(archive.min) &&
                         PlaceOf(backup.wal_stop) <= PlaceOf(archive.max);
      if (!here || !whole || !backup.backup.good) continue;
      start = std::min(start.value_or(backup.backup.stop), backup.backup.stop);
      end = std::max(end.value_or(backup.backup.stop), backup.backup.stop);
    }
    if (!start) return;
    const bool all_archived = Matches(database) && !context_.last_archived_wal.empty() &&
                              PlaceOf(archive.max) >= PlaceOf(context_.last_archived_wal);
    if (all_archived) end = std::max(*end, context_.archived_until.value_or(0));
    sheet_.Add(kWindowStart, labels, *start);
    sheet_.Add(kWindowEnd, labels, *end);
    sheet_.Add(kWindow, labels, *end - *start);
  }

  const BackrestStanza& stanza_;
  const BackrestContext& context_;
  Sheet& sheet_;
};

}  // namespace

Families BackrestFamilies(const BackrestInfo& info, const BackrestContext& context,
                          std::size_t& dropped) {
  Sheet sheet;
  for (const BackrestStanza& stanza : info.stanzas) Writer(stanza, context, sheet).WriteStanza();
  for (const BackrestStanza& stanza : info.stanzas) Writer(stanza, context, sheet).WriteBackups();
  dropped += sheet.dropped();
  for (const BackrestStanza& stanza : info.stanzas) {
    for (const auto& [repo, backups] : stanza.unreadable) dropped += backups;
  }
  return sheet.Take();
}

}  // namespace pgbeacon::collectors
