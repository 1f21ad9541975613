// Login: how a server is connected to, and what past connects taught about it. Session settings
// travel as startup options; a session-level SET is never sent, because behind a pooler it would
// leak to other clients.
//
// Example:
//   Result<Login> login = Login::Make(options.conninfo, options.user_file, options.password_file);
//   Result<PgConn> conn = login->Start(statement_timeout);   // blocks: on a pool thread
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exporter/pg/conninfo.h"
#include "exporter/pg/cost.h"
#include "exporter/pg/handles.h"

namespace pgbeacon::pg {

inline constexpr std::chrono::milliseconds kLockTimeout{100};

/// Whether the server is asked to notice a closed connection while a statement runs
/// (client_connection_check_interval, PostgreSQL 14 and later).
enum class CheckClient { kUnknown, kYes, kNo };

class Login {
 public:
  static Result<Login> Make(const std::string& conninfo, std::string user_file,
                            std::string password_file);

  /// libpq's keywords for one connect. Reads the credential files; an Error names the unreadable
  /// one.
  Result<std::vector<std::pair<std::string, std::string>>> Parameters(
      std::chrono::milliseconds statement_timeout) const;

  /// PQconnectStart. Blocks on files and name resolution; an Error when libpq refuses at once.
  Result<PgConn> Start(std::chrono::milliseconds statement_timeout) const;

  /// The same login to another database of the server, with what connects have taught so far.
  Login To(const std::string& database) const;

  /// Several hosts: libpq then resolves names inside PQconnectPoll too.
  bool several_hosts() const;
  /// Whether the user's own options set this one, so that ours is not sent.
  bool UserSets(std::string_view setting) const;

  bool options_refused = false;  ///< by a pooler: statements carry their settings themselves
  CheckClient check_client = CheckClient::kUnknown;
  /// Of all connections that this login and its copies make.
  std::shared_ptr<Cost> cost = std::make_shared<Cost>();

 private:
  explicit Login(Conninfo conninfo) : conninfo_(std::move(conninfo)) {}
  std::string UserOptions() const;

  Conninfo conninfo_;
  std::string user_file_;
  std::string password_file_;
};

/// Whether an `options` text such as "-c lock_timeout=1s --work_mem=4MB" sets the named setting.
bool OptionsSet(std::string_view options, std::string_view setting);

}  // namespace pgbeacon::pg
