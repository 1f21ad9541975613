#include "collectors/native/pgbackrest.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "collectors/native/json.h"

namespace pgbeacon::collectors {
namespace {

using boost::json::value;

const value& At(const value& object, std::string_view key) {
  static const value kNothing;
  const value* member = MemberAt(object, key);
  return member ? *member : kNothing;
}

std::string Text(const value& object, std::string_view key) {
  return TextAt(object, key).value_or("");
}

/// Repositories have no key before 2.32.
std::string RepoOf(const value& object) {
  return IdAt(At(object, "database"), "repo-key").value_or("0");
}

/// Seconds since the epoch, of a year with four digits.
std::optional<double> TimeAt(const value& object, std::string_view key) {
  constexpr double kYear10000 = 253402300800;
  const std::optional<double> seconds = NumberAt(object, key);
  if (!seconds || *seconds < 0 || *seconds >= kYear10000) return std::nullopt;
  return seconds;
}

BackrestStatus ReadStatus(const value& stanza) {
  const value& status = At(stanza, "status");
  const value& lock = At(At(status, "lock"), "backup");
  BackrestStatus read;
  read.code = NumberAt(status, "code").value_or(99);
  read.locked = BoolAt(lock, "held");
  read.complete_bytes = NumberAt(lock, "size-cplt");
  read.total_bytes = NumberAt(lock, "size");
  return read;
}

std::optional<BackrestBackup> ReadBackup(const value& entry) {
  const value& timestamp = At(entry, "timestamp");
  const value& info = At(entry, "info");
  const value& repository = At(info, "repository");
  const std::optional<double> stop = TimeAt(timestamp, "stop");
  if (!stop) return std::nullopt;
  BackrestBackup read;
  read.error = BoolAt(entry, "error");
  read.backup.stop = *stop;
  read.backup.start = TimeAt(timestamp, "start");
  read.backup.good = !read.error.value_or(false);
  read.backup.size = NumberAt(info, "size");
  read.backup.stored = NumberAt(repository, "delta");
  read.backup.type = Text(entry, "type");
  read.label = Text(entry, "label");
  read.prior = Text(entry, "prior");
  read.database = IdAt(At(entry, "database"), "id").value_or("");
  read.repo = RepoOf(entry);
  read.wal_start = Text(At(entry, "archive"), "start");
  read.wal_stop = Text(At(entry, "archive"), "stop");
  read.lsn_start = Text(At(entry, "lsn"), "start");
  read.lsn_stop = Text(At(entry, "lsn"), "stop");
  read.backrest_version = Text(At(entry, "backrest"), "version");
  read.delta = NumberAt(info, "delta");
  read.stored_whole = NumberAt(repository, "size");
  read.delta_map = NumberAt(repository, "delta-map");
  read.size_map = NumberAt(repository, "size-map");
  read.blocks = read.size_map.has_value();
  if (const boost::json::object* annotations = At(entry, "annotation").if_object()) {
    read.annotations = static_cast<double>(annotations->size());
  }
  return read;
}

/// Everything but the backups.
void ReadStanza(const value& entry, BackrestStanza& stanza) {
  stanza.name = Text(entry, "name");
  stanza.status = ReadStatus(entry);
  for (const value& repo : ArrayAt(entry, "repo")) {
    stanza.repos.push_back({IdAt(repo, "key").value_or("0"), Text(repo, "cipher"),
                            NumberAt(At(repo, "status"), "code")});
  }
  for (const value& database : ArrayAt(entry, "db")) {
    stanza.databases.push_back(
        {IdAt(database, "id").value_or(""), IdAt(database, "repo-key").value_or("0"),
         IdAt(database, "system-id").value_or(""), Text(database, "version")});
  }
  for (const value& archive : ArrayAt(entry, "archive")) {
    stanza.archives.push_back({IdAt(At(archive, "database"), "id").value_or(""), RepoOf(archive),
                               Text(archive, "id"), Text(archive, "min"), Text(archive, "max")});
  }
}

void AddBackup(const value& entry, BackrestStanza& stanza) {
  if (std::optional<BackrestBackup> read = ReadBackup(entry)) {
    stanza.backups.push_back(*std::move(read));
  } else {
    ++stanza.unreadable[RepoOf(entry)];
  }
}

}  // namespace

Result<BackrestInfo> ReadBackrestInfo(std::string_view text) {
  BackrestInfo info;
  const auto take = [&info](const value& backup, std::size_t stanza) {
    if (info.stanzas.size() <= stanza) info.stanzas.resize(stanza + 1);
    AddBackup(backup, info.stanzas[stanza]);
  };
  const Result<Json> json = Json::ParseList(text, "backup", take);
  if (!json.ok()) return json.error();
  const boost::json::array* stanzas = json->root().if_array();
  if (!stanzas) return Error(ErrorCode::kInvalid, "pgbackrest info: the JSON is no list");
  info.stanzas.resize(stanzas->size());
  for (std::size_t i = 0; i < stanzas->size(); ++i) ReadStanza((*stanzas)[i], info.stanzas[i]);
  return info;
}

}  // namespace pgbeacon::collectors
