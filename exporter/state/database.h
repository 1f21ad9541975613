// Database: one SQLite database file opened for pgbeacon alone, at the schema of this version. What
// it finds that is not readable as such it says, and changes nothing.
//
// Example:
//   Result<Database> database = Database::Open("/var/lib/pgbeacon/state.db");
//   if (!database.ok() && database.error().code == ErrorCode::kInvalid) SetAside(...);
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace pgbeacon::state {

struct CloseDatabase {
  void operator()(sqlite3* database) const;
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const;
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Used by one thread at a time.
class Database {
 public:
  /// Opens or makes the file, which only its owner may read, and upgrades an older schema in one
  /// transaction. kInvalid: it is damaged, of another program or of a newer schema, and was left
  /// as it is; any other Error: it cannot be used now.
  static Result<Database> Open(const std::string& path);

  /// Runs statements that yield nothing.
  Status Run(const std::string& sql);
  Result<Statement> Prepare(std::string_view sql);
  /// The integer that a statement yields.
  Result<int> Ask(const std::string& sql);

  /// Takes back what is under way.
  void Rollback();
  /// Whether the file at the path is no more the one that is written to.
  bool Moved() const;
  /// What failed last, as an Error with the path: kInvalid for a damaged file, kDenied, else
  /// kUnavailable.
  Error LastError() const;

  sqlite3* handle() const { return handle_.get(); }

 private:
  Database(std::string path, std::unique_ptr<sqlite3, CloseDatabase> handle);
  Status MakeReady();
  Status Configure();
  Status Check();
  Status Upgrade(int from);

  std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
};

}  // namespace pgbeacon::state
