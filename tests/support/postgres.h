// A private PostgreSQL for tests: its own directory, port and socket, gone when the object goes.
//
// Example:
//   std::unique_ptr<Postgres> server = Postgres::Start();
//   server->Sql("CREATE TABLE t (a int)");
//   server->Signal(SIGSTOP);
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace pgbeacon::test {

class Postgres {
 public:
  /// A running primary with trust for everybody but role "pw" (scram) and database "walled" (no
  /// line in pg_hba.conf). `settings` are lines of postgresql.conf. Null, with a test failure, when
  /// it does not come up.
  static std::unique_ptr<Postgres> Start(const std::vector<std::string>& settings = {});

  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;
  ~Postgres();

  int port() const { return port_; }
  const std::string& directory() const { return directory_; }
  /// "host=127.0.0.1 port=... user=... dbname=...", over TCP.
  std::string Conninfo(const std::string& user = "postgres",
                       const std::string& database = "postgres") const;
  std::string SocketConninfo() const;

  /// Runs statements as the superuser; the first value of the last answer, "" where there is none.
  std::string Sql(const std::string& sql, const std::string& database = "postgres") const;

  bool Up();    ///< starts the stopped server and waits for it
  void Down();  ///< pg_ctl stop -m fast
  void Kill();  ///< SIGKILL to all of it

  /// To the postmaster and all its backends.
  void Signal(int signal) const;

 private:
  explicit Postgres(std::string directory) : directory_(std::move(directory)) {}
  std::string Bin(const std::string& program) const;
  bool Run(const std::vector<std::string>& command) const;
  std::vector<pid_t> Processes() const;

  std::string directory_;
  int port_ = 0;
};

}  // namespace pgbeacon::test
