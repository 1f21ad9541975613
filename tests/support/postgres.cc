#include "tests/support/postgres.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace pgbeacon::test {
namespace {

namespace fs = std::filesystem;

/// The user that the server runs as when the tests run as root, which PostgreSQL refuses.
const passwd* ServerUser() {
  if (geteuid() != 0) return nullptr;
  const passwd* user = getpwnam("postgres");
  return user ? user : getpwnam("nobody");
}

int FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  int port = 0;
  if (bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    port = ntohs(address.sin_port);
  }
  close(socket);
  return port;
}

/// The command's exit status, -1 when it cannot run. posix_spawn, because tests have threads, and a
/// forked child may then hang in its first allocation.
int RunCommand(std::vector<std::string> command, const std::string& log) {
  std::vector<std::string> whole = {"/usr/bin/env", "LC_ALL=C"};
  if (const passwd* user = ServerUser()) {
    for (const std::string& word :
         {std::string("setpriv"), "--reuid=" + std::to_string(user->pw_uid),
          "--regid=" + std::to_string(user->pw_gid), std::string("--clear-groups")}) {
      whole.push_back(word);
    }
  }
  std::ranges::move(command, std::back_inserter(whole));
  std::vector<char*> arguments;
  for (std::string& argument : whole) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  pid_t child = -1;
  const int failed =
      posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = -1;
  if (failed != 0 || waitpid(child, &status, 0) != child) return -1;
  return status;
}

pid_t ParentOf(const fs::path& process) {
  std::ostringstream read;
  read << std::ifstream(process / "stat").rdbuf();  // it may end meanwhile
  const std::string text = read.str();
  const std::size_t name_end = text.rfind(')');  // "12 (a name) S 1 ..."
  if (name_end == std::string::npos || name_end + 4 >= text.size()) return 0;
  return static_cast<pid_t>(std::strtol(text.c_str() + name_end + 4, nullptr, 10));
}

}  // namespace

std::string Postgres::Bin(const std::string& program) const {
  const char* given = std::getenv("PGB_PG_BIN");
  return std::string(given ? given : "/usr/lib/postgresql/15/bin") + "/" + program;
}

bool Postgres::Run(const std::vector<std::string>& command) const {
  const std::string log = directory_ + "/commands.log";
  if (RunCommand(command, log) != 0) {
    std::ifstream text(log);
    ADD_FAILURE() << command[0] << " failed:\n"
                  << std::string((std::istreambuf_iterator<char>(text)), {});
    return false;
  }
  return true;
}

std::unique_ptr<Postgres> Postgres::Start(const std::vector<std::string>& settings) {
  std::string pattern = (fs::temp_directory_path() / "pgb-XXXXXX").string();
  if (!mkdtemp(pattern.data())) {
    ADD_FAILURE() << "no temporary directory";
    return nullptr;
  }
  if (const passwd* user = ServerUser()) {
    if (chown(pattern.c_str(), user->pw_uid, user->pw_gid) != 0) ADD_FAILURE() << "chown";
  }
  std::unique_ptr<Postgres> server(new Postgres(pattern));
  if (!server->Run({server->Bin("initdb"), "-D", pattern + "/data", "-U", "postgres", "-A", "trust",
                    "-E", "UTF8", "--no-sync", "--no-locale"})) {
    return nullptr;
  }
  std::ofstream(pattern + "/data/pg_hba.conf") << "local all all trust\n"
                                                  "host walled all all reject\n"
                                                  "host all pw all scram-sha-256\n"
                                                  "host all all 127.0.0.1/32 trust\n";
  {
    std::ofstream conf(pattern + "/data/postgresql.conf", std::ios::app);
    conf << "listen_addresses = '127.0.0.1'\nunix_socket_directories = '" << pattern
         << "'\nfsync = off\nshared_buffers = '8MB'\nmax_wal_senders = 0\nwal_level = minimal\n";
    for (const std::string& line : settings) conf << line << "\n";
  }
  for (int tries = 0; tries < 3; ++tries) {  // somebody else may take the port meanwhile
    server->port_ = FreePort();
    if (server->Up()) return server;
  }
  return nullptr;
}

bool Postgres::Up() {
  return Run({Bin("pg_ctl"), "-D", directory_ + "/data", "-w", "-t", "30", "-l",
              directory_ + "/log", "-o", "-p " + std::to_string(port_), "start"});
}

void Postgres::Down() {
  Run({Bin("pg_ctl"), "-D", directory_ + "/data", "-w", "-m", "fast", "stop"});
}

std::vector<pid_t> Postgres::Processes() const {
  std::ifstream file(directory_ + "/data/postmaster.pid");
  pid_t postmaster = 0;
  std::vector<pid_t> processes;
  if (!(file >> postmaster) || postmaster <= 1) return processes;
  processes.push_back(postmaster);
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 1 && ParentOf(entry.path()) == postmaster) processes.push_back(pid);
  }
  return processes;
}

void Postgres::Signal(int signal) const {
  for (const pid_t pid : Processes()) kill(pid, signal);
}

void Postgres::Kill() { Signal(SIGKILL); }

Postgres::~Postgres() {
  const std::vector<pid_t> processes = Processes();
  if (!processes.empty() && kill(processes.front(), 0) == 0) {
    Signal(SIGCONT);
    Run({Bin("pg_ctl"), "-D", directory_ + "/data", "-w", "-m", "immediate", "stop"});
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string Postgres::Conninfo(const std::string& user, const std::string& database) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " user=" + user + " dbname=" + database;
}

std::string Postgres::SocketConninfo() const {
  return "host=" + directory_ + " port=" + std::to_string(port_) + " user=postgres dbname=postgres";
}

std::string Postgres::Sql(const std::string& sql, const std::string& database) const {
  const std::string conninfo = "host=" + directory_ + " port=" + std::to_string(port_) +
                               " user=postgres application_name=test dbname=" + database;
  PGconn* conn = PQconnectdb(conninfo.c_str());
  PGresult* result = PQexec(conn, sql.c_str());
  std::string value;
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    ADD_FAILURE() << sql << ": " << PQerrorMessage(conn);
  } else if (PQntuples(result) > 0) {
    value = PQgetvalue(result, 0, 0);
  }
  PQclear(result);
  PQfinish(conn);
  return value;
}

}  // namespace pgbeacon::test
