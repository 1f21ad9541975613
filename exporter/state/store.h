// Store: what must survive a crash, in one SQLite database below --state.dir. The only SQLite of
// the project.
//
// Example:
//   Result<Store> store = Store::Open("/var/lib/pgbeacon");
//   store->Load([&](const Row& row) { ... });
//   Status written = store->Commit(rows);       // one transaction, on disk when this returns
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pgbeacon::state {

/// What a row belongs to; a table of the database each.
enum class Table : std::uint8_t {
  kSeries,     ///< owner: server, key: series, value: its count, sum and buckets
  kSources,    ///< owner: source, key: counter
  kPositions,  ///< owner: source, key: file, value: how far it was read
  kFrames,     ///< owner: drain, key: Logplex-Frame-Id, value: messages and time
};
inline constexpr int kTables = 4;

struct Row {
  Table table = Table::kSeries;
  std::string owner;
  std::string key;
  std::optional<std::string> value;  ///< nothing: the row is removed
};

/// Why rows could not be written (label `reason` of pgbeacon_state_errors_total).
enum class Failure : std::uint8_t {
  kFull,      ///< no room on the device, or the file may not grow
  kIo,        ///< the device failed
  kReadonly,  ///< may not be written to any more
  kLocked,    ///< another program has the database
  kOther,
};
inline constexpr int kFailures = 5;
std::string_view FailureName(Failure failure);  ///< "full", "io", "readonly", "locked", "other"

/// Used by one thread at a time.
class Store {
 public:
  static constexpr int kSchemaVersion = 1;

  /// Opens or makes the database and locks the directory for this process. What cannot be read
  /// (damaged, of another program, of a newer schema) is set aside under another name, which is
  /// told in notice(), and a new one is begun. An Error where the directory cannot be used or
  /// another process has it.
  static Result<Store> Open(const std::string& directory);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Every row, in no particular order. After an Error what was given is to be forgotten: the
  /// database proved damaged, was set aside as by Open(), and the new one is empty.
  Status Load(const std::function<void(const Row&)>& on_row);

  /// Writes or removes all rows in one transaction. After an Error (disk full, I/O) nothing of it
  /// is there and a later Commit may succeed.
  Status Commit(const std::vector<Row>& rows);
  /// Why the last Commit() failed, if it did.
  Failure failure() const;

  /// What was set aside and why; empty: nothing.
  const std::string& notice() const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::state
