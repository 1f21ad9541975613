#include "exporter/pg/login_files.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/shown.h"
#include "exporter/net/read_ends.h"

namespace pgbeacon::pg {
namespace {

constexpr std::size_t kPasswdBytes = 16384;

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string Below(const std::string& folder, const char* name) {
  return folder.empty() ? "" : folder + name;
}

/// As the list of users has it.
std::string HomeOfUser() {
  std::array<char, kPasswdBytes> buffer;
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found && found->pw_dir ? found->pw_dir : "";
}

/// As libpq finds it.
std::string Home() {
  const std::string home = FromEnvironment("HOME");
  return home.empty() ? HomeOfUser() : home;
}

std::string Named(const LoginFile& file) {
  // pg_up_reason is `tls` by the word SSL.
  return file.role.starts_with("ssl") ? "SSL file " + file.role : file.role + " file";
}

Status Check(const std::vector<LoginFile>& files, Looking& looking) {
  for (const LoginFile& file : files) {
    const std::string shown = ShownPath(file.path);
    looking.At(Named(file) + " " + shown);
    const Status ends = net::CheckReadEnds(file.path, shown);
    if (ends.ok()) continue;
    return Error(file.role == "passfile" ? ErrorCode::kDenied : ErrorCode::kUnavailable,
                 Named(file) + ": " + ends.error().message);
  }
  looking.At("");
  return {};
}

}  // namespace

std::vector<LoginFile> FilesOfStart(
    const std::vector<std::pair<std::string, std::string>>& parameters, const std::string& home) {
  const std::map<std::string, std::string> given(parameters.begin(), parameters.end());
  const auto value = [&given](const char* keyword, const char* variable) {
    const auto found = given.find(keyword);
    return found != given.end() && !found->second.empty() ? found->second
                                                          : FromEnvironment(variable);
  };
  std::vector<LoginFile> files;
  const auto add = [&files](const char* role, const std::string& path) {
    if (!path.empty()) files.push_back({role, path});
  };
  if (!value("service", "PGSERVICE").empty()) {
    const std::string file = FromEnvironment("PGSERVICEFILE");
    add("service", file.empty() ? Below(home, "/.pg_service.conf") : file);
    add("service", Below(FromEnvironment("PGSYSCONFDIR"), "/pg_service.conf"));
  }
  const std::string passfile = value("passfile", "PGPASSFILE");
  if (value("password", "PGPASSWORD").empty()) {
    add("passfile", passfile.empty() ? Below(home, "/.pgpass") : passfile);
  }
  return files;
}

std::vector<LoginFile> FilesOfTls(PGconn* conn, const std::string& home) {
  std::map<std::string, std::string, std::less<>> settings;
  const PgOptions options(PQconninfo(conn));
  for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option) {
    if (option->val) settings[option->keyword] = option->val;
  }
  const char* host = PQhost(conn);
  const bool local =
      host && (host[0] == '/' || host[0] == '@') && settings["host"].find(',') == std::string::npos;
  std::vector<LoginFile> files;
  if (local || settings["sslmode"] == "disable") return files;
  const auto add = [&](const char* role, const char* standard) {
    const std::string& given = settings[role];
    const std::string path = given.empty() ? Below(home, standard) : given;
    if (!path.empty()) files.push_back({role, path});
  };
  add("sslrootcert", "/.postgresql/root.crt");
  if (settings["sslcrldir"].empty()) add("sslcrl", "/.postgresql/root.crl");
  if (!settings["sslcrldir"].empty()) add("sslcrldir", "");
  add("sslcert", "/.postgresql/postgresql.crt");
  if (settings["sslkey"].find(':') == std::string::npos) {  // else an engine's
    add("sslkey", "/.postgresql/postgresql.key");
  }
  return files;
}

Result<PgConn> StartLogin(const Login& login, std::chrono::milliseconds statement_timeout,
                          Looking& looking) {
  looking.At("the user's or the password's file");
  const auto parameters = login.Parameters(statement_timeout);
  if (!parameters.ok()) return parameters.error();
  looking.At("the list of users");
  const std::string home = Home();
  const Status readable = Check(FilesOfStart(*parameters, home), looking);
  if (!readable.ok()) return readable.error();
  Result<PgConn> conn = login.Start(statement_timeout);
  if (!conn.ok()) return conn.error();
  const Status secured = Check(FilesOfTls(conn->get(), home), looking);
  if (!secured.ok()) return secured.error();
  return conn;
}

}  // namespace pgbeacon::pg
