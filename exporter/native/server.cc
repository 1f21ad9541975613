#include "exporter/native/server.h"

#include <spdlog/spdlog.h>

#include <span>
#include <utility>

#include "base/embedded.h"
#include "exporter/scrape/host.h"

namespace pgbeacon {

extern const EmbeddedFile kServerFiles[];
extern const std::size_t kServerFilesCount;

namespace native {
namespace {

/// The questions are part of the program: tests/unit/native reads them.
collectors::Catalogue Questions() {
  collectors::Catalogue catalogue;
  for (const EmbeddedFile& file : std::span(kServerFiles, kServerFilesCount)) {
    Result<collectors::Collector> collector =
        collectors::ReadCollector(file.text, std::string(file.name));
    const Status added =
        collector.ok() ? catalogue.Add(*std::move(collector)) : Status(collector.error());
    if (!added.ok()) spdlog::error("{}", added.error().message);
  }
  return catalogue;
}

std::string LabelOf(const ClientMetric& metric, std::string_view name) {
  for (const auto& label : metric.label) {
    if (label.name == name) return label.value;
  }
  return "";
}

}  // namespace

Server::Server(scrape::Target& target, net::BlockingPool& pool, bool local)
    : target_(target), pool_(pool), local_(local), questions_(Questions()) {}

void Server::SetFacts(const collectors::ServerFacts& facts) {
  known_ = true;
  stale_ = true;
  if (system_identifier_ != facts.system_identifier) {
    last_archived_wal_.clear();
    archived_until_.reset();
  }
  system_identifier_ = facts.system_identifier;
  major_ = facts.major();
  start_time_ = facts.start_time_seconds;
  const auto found = facts.settings.find("data_directory");
  places_.data_directory = found == facts.settings.end() ? "" : found->second;
}

net::awaitable<Status> Server::LearnIfChanged(TimePoint deadline) {
  if (!known_ || !stale_) co_return Status();
  const Status learnt = co_await Learn(deadline);
  co_return learnt;
}

net::awaitable<Status> Server::Learn(TimePoint deadline) {
  if (!known_) co_return Error(ErrorCode::kUnavailable, "the server has not answered yet");
  const Result<scrape::Asked> asked = co_await target_.Ask(questions_, deadline);
  if (!asked.ok()) co_return asked.error();
  TakeFamilies(asked->families);
  if (local_) {
    const auto find = [backend = backend_, start = start_time_] {
      Status trouble;
      const std::optional<int> found = scrape::FindPostmaster(backend, start, &trouble);
      return trouble.ok() ? Result<std::optional<int>>(found) : trouble.error();
    };
    const Result<std::optional<int>> found = co_await pool_.Run(find);
    if (!found.ok()) co_return found.error();
    postmaster_ = *found;
  }
  stale_ = false;
  co_return Status();
}

void Server::TakeFamilies(const Families& families) {
  for (const Family& family : families) {
    if (family.name == "pgbeacon_server_backend_pid") places_.tablespaces.clear();
    for (const ClientMetric& metric : family.metric) {
      const double value = metric.gauge.value;
      if (family.name == "pgbeacon_server_archived_until_seconds") {
        last_archived_wal_ = LabelOf(metric, "segment");
        archived_until_ = value;
      } else if (family.name == "pgbeacon_server_wal_segment_bytes") {
        wal_segment_bytes_ = value;
      } else {
        backend_ = static_cast<int>(value);
        const std::string folder = LabelOf(metric, "folder");
        if (!folder.starts_with('/')) continue;  // those in the data directory have none
        places_.tablespaces.emplace_back(LabelOf(metric, "tablespace"), folder);
      }
    }
  }
}

}  // namespace native
}  // namespace pgbeacon
