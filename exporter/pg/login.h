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
/// The encoding of a database whose texts may be in any, and of a client that takes them as they
/// are.
inline constexpr std::string_view kAnyEncoding = "SQL_ASCII";

/// Settings that our sessions have for themselves, so that pg_settings does not show the server's.
inline constexpr std::string_view kSessionsOwn[] = {"client_connection_check_interval",
                                                    "default_transaction_read_only", "lock_timeout",
                                                    "statement_timeout", "transaction_read_only"};

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
  /// The same login without any option, ours or the user's: such a session has the settings that
  /// the server has for this role and database.
  Login WithoutOptions() const;

  /// Several hosts: libpq then resolves names inside PQconnectPoll too.
  bool several_hosts() const;
  bool without_options() const { return without_options_; }

  bool options_refused = false;  ///< by a pooler: statements carry their settings themselves
  CheckClient check_client = CheckClient::kUnknown;
  bool any_encoding = false;  ///< the database's is SQL_ASCII: its texts are taken as they are
  /// Of all connections that this login and its copies make.
  std::shared_ptr<Cost> cost = std::make_shared<Cost>();

 private:
  explicit Login(Conninfo conninfo) : conninfo_(std::move(conninfo)) {}
  std::string UserOptions() const;

  Conninfo conninfo_;
  std::string user_file_;
  std::string password_file_;
  bool without_options_ = false;
};

}  // namespace pgbeacon::pg
