#include "exporter/state/store.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <system_error>
#include <utility>

#include "exporter/state/database.h"
#include "exporter/state/lock.h"

namespace pgbeacon::state {
namespace {

constexpr std::array<std::string_view, kTables> kTableNames = {"series", "sources", "positions",
                                                               "frames"};

/// The database and the files that SQLite keeps beside it.
constexpr std::array<const char*, 4> kSuffixes = {"", "-wal", "-shm", "-journal"};

/// A name beside `path` that nothing has yet.
std::string NameAside(const std::string& path) {
  const std::string base =
      fmt::format("{}.unreadable-{:%Y%m%dT%H%M%SZ}", path, fmt::gmtime(std::time(nullptr)));
  std::string name = base;
  for (int again = 2; access(name.c_str(), F_OK) == 0; ++again) {
    name = fmt::format("{}-{}", base, again);
  }
  return name;
}

Status BindText(sqlite3_stmt* statement, int index, const std::string& text) {
  const int bound =
      sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (bound == SQLITE_OK) return {};
  return Error(ErrorCode::kInternal, sqlite3_errstr(bound));
}

std::string ColumnText(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  const int size = sqlite3_column_bytes(statement, column);
  return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

/// `system`: errno; SQLite itself does not tell it for a COMMIT.
Failure FailureOf(const Database& database, int system) {
  switch (sqlite3_errcode(database.handle()) & 0xff) {
    case SQLITE_FULL:
      return Failure::kFull;
    case SQLITE_IOERR:
      if (system == ENOSPC || system == EDQUOT || system == EFBIG) return Failure::kFull;
      return system == EROFS ? Failure::kReadonly : Failure::kIo;
    case SQLITE_CANTOPEN:
      return Failure::kIo;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Failure::kReadonly;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Failure::kLocked;
    default:
      return Failure::kOther;
  }
}

}  // namespace

std::string_view FailureName(Failure failure) {
  constexpr std::array<std::string_view, kFailures> kNames = {"full", "io", "readonly", "locked",
                                                              "other"};
  return kNames[static_cast<std::size_t>(failure)];
}

struct Store::State {
  struct Writing {
    Statement put;
    Statement remove;
  };

  State(std::string file, DirectoryLock held) : path(std::move(file)), lock(std::move(held)) {}

  Status Open();
  std::string Remains() const;
  Status OpenDatabase();
  void CloseAsItIs();
  Status SetAside(const std::string& why);
  Status Read(const std::function<void(const Row&)>& on_row);
  Status Write(const Row& row);
  Status WriteAll(const std::vector<Row>& rows);

  std::string path;
  DirectoryLock lock;
  std::optional<Database> database;
  std::array<Writing, kTables> writing;
  std::string notice;
  Failure failure = Failure::kOther;
};

Result<Store> Store::Open(const std::string& directory) {
  Result<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return lock.error();
  auto state = std::make_unique<State>(directory + "/state.db", *std::move(lock));
  if (const Status opened = state->Open(); !opened.ok()) return opened.error();
  return Store(std::move(state));
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::string& Store::notice() const { return state_->notice; }
Failure Store::failure() const { return state_->failure; }

/// What is left of a database that lost its file or all that was in it; SQLite would begin a new
/// one there. Empty: nothing is.
std::string Store::State::Remains() const {
  struct stat info = {};
  const bool wal = stat((path + "-wal").c_str(), &info) == 0 && info.st_size > 0;
  const bool there = stat(path.c_str(), &info) == 0;
  if (there && info.st_size == 0) return path + ": the file is empty";
  return !there && wal ? path + ": the file is gone, but not its -wal" : "";
}

/// Opens the database; one that cannot be read goes aside first.
Status Store::State::Open() {
  if (const std::string remains = Remains(); !remains.empty()) {
    if (Status aside = SetAside(remains); !aside.ok()) return aside;
  }
  Status opened = OpenDatabase();
  if (!opened.ok() && opened.error().code == ErrorCode::kInvalid) {
    CloseAsItIs();
    if (Status aside = SetAside(opened.error().message); !aside.ok()) return aside;
    opened = OpenDatabase();
  }
  if (opened.ok()) return opened;
  return Error(opened.error().code,
               opened.error().message + "; the state in --state.dir cannot be used");
}

/// Leaves the files untouched.
void Store::State::CloseAsItIs() {
  writing = {};
  if (!database) return;
  sqlite3_db_config(database->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database.reset();
}

Status Store::State::OpenDatabase() {
  Result<Database> opened = Database::Open(path);
  if (!opened.ok()) return opened.error();
  database = *std::move(opened);
  for (std::size_t table = 0; table < kTables; ++table) {
    Result<Statement> put = database->Prepare(
        fmt::format("INSERT INTO {}(owner, key, value) VALUES(?1, ?2, ?3)"
                    " ON CONFLICT(owner, key) DO UPDATE SET value = excluded.value",
                    kTableNames[table]));
    if (!put.ok()) return Error(ErrorCode::kInvalid, put.error().message);
    Result<Statement> remove = database->Prepare(
        fmt::format("DELETE FROM {} WHERE owner = ?1 AND key = ?2", kTableNames[table]));
    if (!remove.ok()) return Error(ErrorCode::kInvalid, remove.error().message);
    writing[table] = {*std::move(put), *std::move(remove)};
  }
  return {};
}

Status Store::State::SetAside(const std::string& why) {
  const std::string aside = NameAside(path);
  for (const char* suffix : kSuffixes) {
    const std::string from = path + suffix;
    if (std::rename(from.c_str(), (aside + suffix).c_str()) != 0 && errno != ENOENT) {
      return Error(ErrorCode::kUnavailable,
                   fmt::format("{}; it cannot be set aside ({}): move it away", why,
                               std::generic_category().message(errno)));
    }
  }
  notice = fmt::format(
      "{}; it was set aside as {} and counting begins anew (remove that file when it is of no more "
      "use)",
      why, aside);
  return {};
}

Status Store::Load(const std::function<void(const Row&)>& on_row) {
  const Status read = state_->Read(on_row);
  if (read.ok() || read.error().code != ErrorCode::kInvalid) return read;
  state_->CloseAsItIs();
  if (Status aside = state_->SetAside(read.error().message); !aside.ok()) return aside;
  if (Status opened = state_->Open(); !opened.ok()) return opened;
  return read;
}

Status Store::State::Read(const std::function<void(const Row&)>& on_row) {
  for (std::size_t table = 0; table < kTables; ++table) {
    Result<Statement> select =
        database->Prepare(fmt::format("SELECT owner, key, value FROM {}", kTableNames[table]));
    if (!select.ok()) return select.error();
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(select->get())) == SQLITE_ROW) {
      on_row({static_cast<Table>(table), ColumnText(select->get(), 0), ColumnText(select->get(), 1),
              ColumnText(select->get(), 2)});
    }
    if (step != SQLITE_DONE) return database->LastError();
  }
  return {};
}

Status Store::Commit(const std::vector<Row>& rows) {
  State& state = *state_;
  if (!state.database) {
    state.failure = Failure::kOther;
    return Error(ErrorCode::kUnavailable, state.path + ": not open");
  }
  if (state.database->Moved()) {
    state.failure = Failure::kOther;
    return Error(
        ErrorCode::kUnavailable,
        state.path + ": removed or replaced while in use; put it back or restart pgbeacon");
  }
  errno = 0;
  const Status written = state.WriteAll(rows);
  if (written.ok()) return {};
  state.failure = FailureOf(*state.database, errno);
  state.database->Rollback();
  return written;
}

Status Store::State::WriteAll(const std::vector<Row>& rows) {
  if (Status begun = database->Run("BEGIN IMMEDIATE"); !begun.ok()) return begun;
  for (const Row& row : rows) {
    if (Status done = Write(row); !done.ok()) return done;
  }
  return database->Run("COMMIT");
}

Status Store::State::Write(const Row& row) {
  const Writing& table = writing[static_cast<std::size_t>(row.table)];
  sqlite3_stmt* statement = row.value ? table.put.get() : table.remove.get();
  if (Status bound = BindText(statement, 1, row.owner); !bound.ok()) return bound;
  if (Status bound = BindText(statement, 2, row.key); !bound.ok()) return bound;
  if (row.value) {
    if (Status bound = BindText(statement, 3, *row.value); !bound.ok()) return bound;
  }
  const int step = sqlite3_step(statement);
  Status done;
  if (step != SQLITE_DONE) done = database->LastError();
  sqlite3_reset(statement);
  return done;
}

}  // namespace pgbeacon::state
