#include "exporter/state/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "exporter/state/store.h"

namespace pgbeacon::state {
namespace {

constexpr int kApplicationId = 0x70676265;  // "pgbe"

/// What makes schema N + 1 of schema N. A new version is one more row.
constexpr std::array<const char*, 1> kUpgrades = {
    "CREATE TABLE series(owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY(owner, key))"
    " WITHOUT ROWID;"
    "CREATE TABLE sources(owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY(owner, key))"
    " WITHOUT ROWID;"
    "CREATE TABLE positions(owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY(owner, key))"
    " WITHOUT ROWID;"
    "CREATE TABLE frames(owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY(owner, key))"
    " WITHOUT ROWID;",
};
static_assert(kUpgrades.size() == Store::kSchemaVersion);

/// A check that takes longer is given up: reading will tell.
constexpr std::chrono::seconds kMostChecking{10};
constexpr int kStepsBetweenLooks = 100'000;

int IsLate(void* deadline) { return SteadyClock::now() > *static_cast<TimePoint*>(deadline); }

}  // namespace

void CloseDatabase::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void FinalizeStatement::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Database> Database::Open(const std::string& path) {
  // SQLite gives its other files the mode of this one.
  const int made = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (made < 0) {
    const int code = errno;
    return Error(code == EACCES || code == EROFS ? ErrorCode::kDenied : ErrorCode::kUnavailable,
                 path + ": " + std::generic_category().message(code));
  }
  close(made);
  sqlite3* handle = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(path, std::unique_ptr<sqlite3, CloseDatabase>(handle));
  if (opened != SQLITE_OK) return database.LastError();
  // A file that is not ours stays as it is, its log beside it included.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (const Status ready = database.MakeReady(); !ready.ok()) return ready.error();
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return database;
}

Database::Database(std::string path, std::unique_ptr<sqlite3, CloseDatabase> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}

/// Whether the file is ours and sound; makes it ready for use.
Status Database::MakeReady() {
  if (Status locked = Run("PRAGMA locking_mode=EXCLUSIVE"); !locked.ok()) return locked;
  const Result<int> tables = Ask("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.error();
  const Result<int> application = Ask("PRAGMA application_id");
  if (!application.ok()) return application.error();
  const Result<int> version = Ask("PRAGMA user_version");
  if (!version.ok()) return version.error();
  if (*application != kApplicationId && (*application != 0 || *version != 0 || *tables != 0)) {
    return Error(ErrorCode::kInvalid, path_ + ": the database of another program");
  }
  if (*version > Store::kSchemaVersion) {
    return Error(ErrorCode::kInvalid,
                 fmt::format("{}: written by a newer pgbeacon (schema {}, this one knows {})",
                             path_, *version, Store::kSchemaVersion));
  }
  if (Status checked = Check(); !checked.ok()) return checked;
  if (Status configured = Configure(); !configured.ok()) return configured;
  return *version < Store::kSchemaVersion ? Upgrade(*version) : Status();
}

Status Database::Configure() {
  return Run(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304;"
      "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY");
}

Status Database::Check() {
  TimePoint deadline = SteadyClock::now() + kMostChecking;
  sqlite3_progress_handler(handle(), kStepsBetweenLooks, IsLate, &deadline);
  Result<Statement> check = Prepare("PRAGMA quick_check(1)");
  const int step = check.ok() ? sqlite3_step(check->get()) : SQLITE_ERROR;
  sqlite3_progress_handler(handle(), 0, nullptr, nullptr);
  if (!check.ok()) return check.error();
  if ((step & 0xff) == SQLITE_INTERRUPT) return {};
  if (step != SQLITE_ROW) return LastError();
  const auto* found = reinterpret_cast<const char*>(sqlite3_column_text(check->get(), 0));
  if (found != nullptr && std::strcmp(found, "ok") == 0) return {};
  return Error(ErrorCode::kInvalid,
               fmt::format("{}: damaged: {}", path_, found == nullptr ? "unreadable" : found));
}

Status Database::Upgrade(int from) {
  std::string sql = fmt::format("BEGIN IMMEDIATE; PRAGMA application_id={};", kApplicationId);
  for (int version = from; version < Store::kSchemaVersion; ++version) {
    sql += kUpgrades.at(static_cast<std::size_t>(version));
  }
  const Status upgraded =
      Run(sql + fmt::format("PRAGMA user_version={}; COMMIT", Store::kSchemaVersion));
  if (!upgraded.ok()) Rollback();
  return upgraded;
}

Status Database::Run(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return LastError();
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (prepared != SQLITE_OK) return LastError();
  return Statement(statement);
}

Result<int> Database::Ask(const std::string& sql) {
  Result<Statement> statement = Prepare(sql);
  if (!statement.ok()) return statement.error();
  if (sqlite3_step(statement->get()) != SQLITE_ROW) return LastError();
  return sqlite3_column_int(statement->get(), 0);
}

void Database::Rollback() {
  if (sqlite3_get_autocommit(handle()) == 0) {
    sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

bool Database::Moved() const {
  int moved = 0;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

Error Database::LastError() const {
  const int code = sqlite3_errcode(handle()) & 0xff;
  const int system = sqlite3_system_errno(handle());
  std::string message = path_ + ": " + sqlite3_errmsg(handle());
  if (system != 0 && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN)) {
    message += " (" + std::generic_category().message(system) + ")";
  }
  switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::kInvalid, std::move(message)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorCode::kDenied, std::move(message)};
    default:
      return {ErrorCode::kUnavailable, std::move(message)};
  }
}

}  // namespace pgbeacon::state
