// The files that a connect opens, looked at before libpq does: it would wait for ever for a pipe's
// writer, and nobody would know which file it is that hangs.
//
// Example, on a pool thread:
//   Result<PgConn> conn = StartLogin(login, timeout, looking);
// and on the other, when that takes long:
//   spdlog::warn("no answer from {}", looking.at());
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "exporter/pg/handles.h"
#include "exporter/pg/login.h"

namespace pgbeacon::pg {

/// A file and what it is for: "sslrootcert".
struct LoginFile {
  std::string role;
  std::string path;
};

/// What a thread is looking at. Any thread.
class Looking {
 public:
  void At(std::string what) {
    MutexLock lock(mutex_);
    at_ = std::move(what);
  }
  /// Empty: at no file.
  std::string at() const {
    MutexLock lock(mutex_);
    return at_;
  }

 private:
  mutable Mutex mutex_;
  std::string at_ PGB_GUARDED_BY(mutex_);
};

/// What PQconnectStart opens, of libpq's keywords for one connect. `home` is ours, as libpq sees
/// it.
std::vector<LoginFile> FilesOfStart(
    const std::vector<std::pair<std::string, std::string>>& parameters, const std::string& home);
/// What PQconnectPoll opens for TLS, of a connection that has been started.
std::vector<LoginFile> FilesOfTls(PGconn* conn, const std::string& home);

/// Login::Start, with a look at all files that the connect opens. The Error names the first that
/// reading would not end of. Files that are not there, or may not be read, are left to libpq.
Result<PgConn> StartLogin(const Login& login, std::chrono::milliseconds statement_timeout,
                          Looking& looking);

}  // namespace pgbeacon::pg
