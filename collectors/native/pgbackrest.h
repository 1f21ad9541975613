// pgBackRest: what `pgbackrest info --output=json` means. Names are those of pgbackrest_exporter
// where it has one for the value; what every kind of backup has stands under pg_backup_* too.
//
// Example:
//   const Result<BackrestInfo> info = ReadBackrestInfo(text);
//   Families families = BackrestFamilies(*info, {.now = UnixNow()}, dropped);
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collectors/native/backup.h"
#include "collectors/native/sheet.h"

namespace pgbeacon::collectors {

struct BackrestStatus {
  double code = 0;
  std::optional<bool> locked;
  std::optional<double> complete_bytes, total_bytes;  ///< of a backup under way
};

struct BackrestRepo {
  std::string key;
  std::string cipher;
  std::optional<double> status;
};

/// A cluster that the stanza has been for: one after each upgrade or new initdb.
struct BackrestDatabase {
  std::string id, repo;
  std::string system_identifier;
  std::string version;  ///< "15", "9.6"
};

struct BackrestArchive {
  std::string database, repo;
  std::string id;        ///< "15-1"
  std::string min, max;  ///< names of WAL segments; empty: there is none
};

struct BackrestBackup {
  Backup backup;
  std::string label, prior, database, repo;
  std::string wal_start, wal_stop, lsn_start, lsn_stop, backrest_version;
  std::optional<double> delta, stored_whole, annotations, delta_map, size_map;
  std::optional<bool> error;
  bool blocks = false;  ///< block incremental
};

struct BackrestStanza {
  std::string name;
  BackrestStatus status;
  std::vector<BackrestRepo> repos;
  std::vector<BackrestDatabase> databases;
  std::vector<BackrestArchive> archives;
  std::vector<BackrestBackup> backups;
  std::map<std::string, std::size_t> unreadable;  ///< backups without a time, by repository
};

struct BackrestInfo {
  std::vector<BackrestStanza> stanzas;
};

/// An Error where the text is no JSON, or no list of stanzas.
Result<BackrestInfo> ReadBackrestInfo(std::string_view text);

/// What the watched server tells; empty or absent: unknown.
struct BackrestContext {
  double now = 0;
  std::string system_identifier;
  int major = 0;
  std::optional<double> wal_segment_bytes;
  std::string last_archived_wal;
  std::optional<double> archived_until;  ///< when the server had written all of that segment
};

Families BackrestFamilies(const BackrestInfo& info, const BackrestContext& context,
                          std::size_t& dropped);

}  // namespace pgbeacon::collectors
