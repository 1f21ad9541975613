// Connection strings: what libpq takes says the same when it is written out and read again, and
// gives a name for each host that has no part of the password.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "exporter/pg/conninfo.h"

namespace {

using pgbeacon::pg::Conninfo;

void Expect(bool truth) {
  if (!truth) std::abort();
}

void CheckRoundTrip(const Conninfo& conninfo) {
  const auto again = Conninfo::Parse(conninfo.Text());
  Expect(again.ok());
  Expect(again->settings() == conninfo.settings());
}

bool Holds(const Conninfo& conninfo, const std::string& password) {
  for (const auto& [keyword, value] : conninfo.settings()) {
    if (keyword != "password" && value.find(password) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto conninfo = Conninfo::Parse(text);
  const std::string name = pgbeacon::pg::ServerName(text);
  Expect(!name.empty());
  if (!conninfo.ok()) {
    Expect(!conninfo.error().message.empty() && name == "unknown");
    return 0;
  }
  CheckRoundTrip(*conninfo);
  const std::vector<Conninfo> hosts = pgbeacon::pg::PerHost(*conninfo);
  Expect(!hosts.empty());
  for (const Conninfo& host : hosts) {
    CheckRoundTrip(host);
    Expect(!pgbeacon::pg::ServerName(host.Text()).empty());
  }
  const std::string* password = conninfo->Find("password");
  if (password && password->size() > 4 && !Holds(*conninfo, *password)) {
    Expect(name.find(*password) == std::string::npos || name.find("localhost:5432") == 0);
  }
  return 0;
}
