// Files that tell of backups. Everything here blocks on file systems that may hang: on a pool
// thread.
//
// Example:
//   Result<collectors::BackupSet> set = ReadBackupFiles("/var/backups/*.dump", deadline);
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "collectors/native/backup.h"

namespace pgbeacon::native {

/// Each path that the glob matches is a backup: a file with its size and the time it was last
/// written, or a folder with those of all files below it. One without any byte is not good.
Result<collectors::BackupSet> ReadBackupFiles(const std::string& glob, TimePoint deadline);

}  // namespace pgbeacon::native
