#include "exporter/pg/conninfo.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "exporter/pg/handles.h"

namespace pgbeacon::pg {
namespace {

std::vector<std::string> KnownKeywords() {
  std::vector<std::string> keywords;
  const PgOptions options(PQconninfoParse("", nullptr));  // PQconndefaults would open files
  for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option) {
    keywords.emplace_back(option->keyword);
  }
  return keywords;
}

/// libpq quotes pieces of the string in its messages, and any piece may be of a password: the
/// message is cut at the first that is more than punctuation.
std::string Scrub(std::string_view message) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t open = message.find('"'); open != std::string_view::npos;
       open = message.find('"', from)) {
    const bool mark = open + 2 < message.size() && message[open + 2] == '"' &&
                      std::string_view("=:/]").find(message[open + 1]) != std::string_view::npos;
    if (!mark) {
      out += message.substr(from, open - from);
      out += "\"...\"";
      const std::string word(message.substr(open + 1, message.rfind('"') - open - 1));
      const std::string nearest = Nearest(word, KnownKeywords());
      if (!nearest.empty() && nearest != word) out += ", did you mean \"" + nearest + "\"?";
      return out;
    }
    out += message.substr(from, open + 3 - from);
    from = open + 3;
  }
  out += message.substr(from);
  return out;
}

/// What a password's '@', ':' or '/' that is not percent-encoded makes of a URI: a piece of it
/// stands where a host, a port or a database does, and would be shown as that.
const char* MisreadPart(const Conninfo& conninfo, bool uri) {
  if (const std::string* hosts = conninfo.Find("host")) {
    for (const std::string& host : Split(*hosts, ',')) {
      const bool path = host.starts_with("/") || host.starts_with("@");
      if (!path && host.find('@') != std::string::npos) return "the host's name has an '@' in it";
    }
  }
  const std::string* port = conninfo.Find("port");
  if (port && port->find_first_not_of("0123456789, ") != std::string::npos) {
    return "the port is not a number";
  }
  const std::string* database = conninfo.Find("dbname");
  if (uri && !conninfo.Find("user") && database && database->find('@') != std::string::npos) {
    return "the database's name has an '@' in it, and no user is given";
  }
  return nullptr;
}

std::string FromEnvironment(const char* name, std::string fallback) {
  const char* value = std::getenv(name);
  return value && *value ? value : std::move(fallback);
}

/// host, else hostaddr, else PGHOST, else PGHOSTADDR; empty for libpq's default socket.
std::string HostOf(const Conninfo& conninfo) {
  for (const char* keyword : {"host", "hostaddr"}) {
    const std::string* value = conninfo.Find(keyword);
    if (value && !value->empty()) return *value;
  }
  return FromEnvironment("PGHOST", FromEnvironment("PGHOSTADDR", ""));
}

bool IsLocalHost(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" ||
         host == "::1" || host.starts_with("127.");
}

}  // namespace

Result<Conninfo> Conninfo::Parse(const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    return Error(ErrorCode::kInvalid, "connection string: contains a zero byte");
  }
  char* raw = nullptr;
  const PgOptions options(PQconninfoParse(text.c_str(), &raw));
  if (!options) {
    const std::unique_ptr<char, decltype(&PQfreemem)> message(raw, &PQfreemem);
    return Error(ErrorCode::kInvalid,
                 "connection string: " + Scrub(Trim(message ? message.get() : "out of memory")) +
                     " (expected postgresql://user@host:port/database or \"host=... user=...\")");
  }
  Conninfo conninfo;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (option->val) conninfo.settings_.emplace_back(option->keyword, option->val);
  }
  const bool uri = text.starts_with("postgres://") || text.starts_with("postgresql://");
  if (const char* misread = MisreadPart(conninfo, uri)) {
    return Error(ErrorCode::kInvalid,
                 std::string("connection string: ") + misread +
                     " (in the password of a URI '@' is written %40, ':' %3A and '/' %2F)");
  }
  return conninfo;
}

const std::string* Conninfo::Find(std::string_view keyword) const {
  const auto found = std::ranges::find(
      settings_, keyword, [](const auto& setting) { return std::string_view(setting.first); });
  return found == settings_.end() ? nullptr : &found->second;
}

void Conninfo::Set(std::string_view keyword, std::string value) {
  for (auto& setting : settings_) {
    if (setting.first == keyword) {
      setting.second = std::move(value);
      return;
    }
  }
  settings_.emplace_back(keyword, std::move(value));
}

void Conninfo::Remove(std::string_view keyword) {
  std::erase_if(settings_, [&](const auto& setting) { return setting.first == keyword; });
}

std::string Conninfo::Text() const {
  std::string out;
  for (const auto& [keyword, value] : settings_) {
    out += (out.empty() ? "" : " ") + keyword + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') out += '\\';
      out += c;
    }
    out += '\'';
  }
  return out;
}

std::vector<Conninfo> PerHost(const Conninfo& conninfo) {
  constexpr const char* kLists[] = {"host", "hostaddr", "port"};
  std::size_t hosts = 1;
  for (const char* keyword : kLists) {
    const std::string* value = conninfo.Find(keyword);
    if (value) hosts = std::max(hosts, Split(*value, ',').size());
  }
  const std::string* wanted = conninfo.Find("target_session_attrs");
  if (hosts == 1 || (wanted && *wanted != "any")) return {conninfo};
  std::vector<Conninfo> out;
  for (std::size_t i = 0; i < hosts; ++i) {
    Conninfo one = conninfo;
    for (const char* keyword : kLists) {
      const std::string* value = conninfo.Find(keyword);
      if (!value) continue;
      const std::vector<std::string> items = Split(*value, ',');
      const std::string item = items.size() == 1 ? items[0] : i < items.size() ? items[i] : "";
      if (item.empty()) {
        one.Remove(keyword);
      } else {
        one.Set(keyword, item);
      }
    }
    out.push_back(std::move(one));
  }
  return out;
}

Status CheckConninfo(const std::string& text) {
  const Result<Conninfo> conninfo = Conninfo::Parse(text);
  if (!conninfo.ok()) return conninfo.error();
  return {};
}

std::string ServerName(const std::string& text) {
  const Result<Conninfo> conninfo = Conninfo::Parse(text);
  if (!conninfo.ok()) return "unknown";
  const std::string* given_port = conninfo->Find("port");
  const std::string port =
      given_port && !given_port->empty() ? *given_port : FromEnvironment("PGPORT", "5432");
  std::string host = HostOf(*conninfo);
  if (host.empty()) host = "localhost";
  return host + ":" + port;
}

bool IsLocal(const std::string& text) {
  const Result<Conninfo> conninfo = Conninfo::Parse(text);
  if (!conninfo.ok()) return false;
  const std::string hosts = HostOf(*conninfo);
  return std::ranges::all_of(Split(hosts, ','),
                             [](const std::string& host) { return IsLocalHost(host); });
}

}  // namespace pgbeacon::pg
