#include "exporter/pg/login.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>

#include "base/shown.h"
#include "base/text.h"
#include "exporter/net/regular_file.h"
#include "exporter/pg/up_reason.h"

namespace pgbeacon::pg {
namespace {

/// The file's text without the line end that editors put there.
Result<std::string> ReadCredential(const std::string& path, const char* what) {
  const Result<std::string> read = net::ReadRegularFile(path, ShownPath(path));
  if (!read.ok()) {
    return Error(ErrorCode::kDenied, std::string(what) + " file: " + read.error().message);
  }
  std::string text = *read;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty())
    return Error(ErrorCode::kDenied, std::string(what) + " file " + ShownPath(path) + " is empty");
  return text;
}

/// A peer that is gone without a word is noticed within half a minute.
constexpr std::pair<const char*, const char*> kNetworkDefaults[] = {
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "25000"},
};

void IgnoreNotice(void*, const PGresult*) {}

}  // namespace

Result<Login> Login::Make(const std::string& conninfo, std::string user_file,
                          std::string password_file) {
  Result<Conninfo> parsed = Conninfo::Parse(conninfo);
  if (!parsed.ok()) return parsed.error();
  Login login(*std::move(parsed));
  login.user_file_ = std::move(user_file);
  login.password_file_ = std::move(password_file);
  return login;
}

Login Login::To(const std::string& database) const {
  Login other = *this;
  other.conninfo_.Set("dbname", database);
  return other;
}

Login Login::WithoutOptions() const {
  Login other = *this;
  other.without_options_ = true;
  return other;
}

std::string Login::UserOptions() const {
  if (const std::string* given = conninfo_.Find("options")) return *given;
  const char* environment = std::getenv("PGOPTIONS");
  return environment ? environment : "";
}

bool Login::several_hosts() const {
  for (const char* keyword : {"host", "hostaddr"}) {
    const std::string* value = conninfo_.Find(keyword);
    if (value && value->find(',') != std::string::npos) return true;
  }
  const char* environment = std::getenv("PGHOST");
  return environment && std::strchr(environment, ',');
}

Result<std::vector<std::pair<std::string, std::string>>> Login::Parameters(
    std::chrono::milliseconds statement_timeout) const {
  Conninfo out = conninfo_;
  for (const auto& [file, keyword] :
       {std::pair(&user_file_, "user"), {&password_file_, "password"}}) {
    if (file->empty()) continue;
    Result<std::string> value = ReadCredential(*file, keyword);
    if (!value.ok()) return value.error();
    out.Set(keyword, *std::move(value));
  }
  for (const auto& [keyword, value] : kNetworkDefaults) {
    if (!out.Find(keyword)) out.Set(keyword, value);
  }
  if (!out.Find("fallback_application_name")) out.Set("fallback_application_name", "pgbeacon");
  // Whatever the user has set: pages are UTF-8.
  out.Set("client_encoding", any_encoding ? std::string(kAnyEncoding) : "UTF8");

  // Of a setting that is given twice, the server takes the last: ours.
  std::string options;
  if (!options_refused && !without_options_) {
    options = UserOptions();
    const auto add = [&options](const char* setting, const std::string& value) {
      options += std::string(options.empty() ? "" : " ") + "-c " + setting + "=" + value;
    };
    add("search_path", "pg_catalog");
    add("default_transaction_read_only", "on");
    add("statement_timeout", std::to_string(statement_timeout.count()));
    add("lock_timeout", std::to_string(kLockTimeout.count()));
    if (check_client == CheckClient::kYes) add("client_connection_check_interval", "1000");
  }
  // Given even when empty, so that libpq does not take PGOPTIONS instead.
  out.Set("options", std::move(options));
  return out.settings();
}

Result<PgConn> Login::Start(std::chrono::milliseconds statement_timeout) const {
  const auto parameters = Parameters(statement_timeout);
  if (!parameters.ok()) return parameters.error();
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : *parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  PgConn conn(PQconnectStartParams(keywords.data(), values.data(), /*expand_dbname=*/0));
  if (!conn) return Error(ErrorCode::kInternal, "libpq: out of memory");
  PQsetNoticeReceiver(conn.get(), IgnoreNotice, nullptr);
  PQsetErrorVerbosity(conn.get(), PQERRORS_VERBOSE);  // for the SQLSTATE: see ConnectError
  if (PQstatus(conn.get()) == CONNECTION_BAD) return ConnectError(PQerrorMessage(conn.get()));
  return conn;
}

}  // namespace pgbeacon::pg
