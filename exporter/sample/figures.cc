#include "exporter/sample/figures.h"

#include <span>
#include <thread>
#include <utility>

#include "base/embedded.h"
#include "exporter/scrape/host.h"

namespace pgbeacon {

extern const EmbeddedFile kFigureFiles[];
extern const std::size_t kFigureFilesCount;

namespace sample {
namespace {

constexpr double kOperation = 16384;    // bytes of one, as Heroku counts them
constexpr double kShortestLook = 0.05;  // seconds; a rate over less says nothing

/// Sets the share of `whole` that `part` is, where both are known.
void AddShare(const std::string& name, const std::string& part, const std::string& whole,
              Figures& figures) {
  const auto used = figures.find(part);
  const auto all = figures.find(whole);
  if (used == figures.end() || all == figures.end() || all->second <= 0) return;
  figures[name] = used->second / all->second;
}

void AddRate(const std::string& name, double before, double now, double seconds, Figures& figures) {
  if (now >= before) figures[name] = (now - before) / kOperation / seconds;
}

}  // namespace

Result<collectors::Catalogue> FigureCollectors() {
  collectors::Catalogue catalogue;
  for (const EmbeddedFile& file : std::span(kFigureFiles, kFigureFilesCount)) {
    Result<collectors::Collector> collector =
        collectors::ReadCollector(file.text, std::string(file.name));
    if (!collector.ok()) return collector.error();
    const Status added = catalogue.Add(*std::move(collector));
    if (!added.ok()) return added.error();
  }
  return catalogue;
}

Figures FromServer(const Families& families) {
  Figures figures;
  for (const Family& family : families) {
    if (!family.metric.empty()) figures.emplace(family.name, family.metric.front().gauge.value);
  }
  return figures;
}

HostLook LookAtHost(const std::string& data_directory, int postmaster, bool own_tmp) {
  HostLook look;
  const collectors::Host host = scrape::ReadHost(data_directory);
  look.at = SteadyClock::now();
  look.cpus = host.cpus;
  look.load = host.load;
  look.memory = scrape::ReadMemory();
  look.server_memory = scrape::ReadServerMemory(postmaster);
  look.io = scrape::ReadDiskIo(data_directory);
  if (own_tmp) look.tmp_disk = host.disk;
  look.wal_disk = scrape::ReadDisk(data_directory + "/pg_wal");
  return look;
}

void AddHost(const HostLook& look, const std::optional<HostLook>& before, Figures& figures) {
  if (look.load) {
    const double cpus = look.cpus;
    figures["pg_sample_load_avg_1m"] = look.load->one / cpus;
    figures["pg_sample_load_avg_5m"] = look.load->five / cpus;
    figures["pg_sample_load_avg_15m"] = look.load->fifteen / cpus;
  }
  if (look.memory) {
    figures["pg_sample_memory_total_bytes"] = look.memory->total;
    figures["pg_sample_memory_free_bytes"] = look.memory->free;
    figures["pg_sample_memory_cached_bytes"] = look.memory->cached;
    figures["pg_sample_memory_used_ratio"] = 1 - look.memory->available / look.memory->total;
  }
  if (look.server_memory) figures["pg_sample_memory_postgres_bytes"] = *look.server_memory;
  if (look.io && before && before->io) {
    const double seconds = Seconds(look.at - before->at);
    if (seconds >= kShortestLook) {
      AddRate("pg_sample_read_iops", before->io->read_bytes, look.io->read_bytes, seconds, figures);
      AddRate("pg_sample_write_iops", before->io->written_bytes, look.io->written_bytes, seconds,
              figures);
    }
  }
  if (look.tmp_disk) {
    figures["pg_sample_tmp_disk_used_bytes"] = look.tmp_disk->used_bytes;
    figures["pg_sample_tmp_disk_available_bytes"] = look.tmp_disk->free_bytes;
  }
  const auto wal = figures.find("pg_sample_wal_size_bytes");
  if (look.wal_disk && wal != figures.end()) {
    figures["pg_sample_wal_used_ratio"] = wal->second / look.wal_disk->size_bytes;
  }
}

void AddLimits(const Limits& limits, Figures& figures) {
  if (limits.connections) figures["pg_sample_max_connections"] = *limits.connections;
  if (limits.bytes) figures["pg_sample_db_max_size_bytes"] = *limits.bytes;
  if (limits.iops) figures["pg_sample_max_iops"] = *limits.iops;
  AddShare("pg_sample_connections_used_ratio", "pg_sample_active_connections",
           "pg_sample_max_connections", figures);
  AddShare("pg_sample_db_size_used_ratio", "pg_sample_db_size_bytes", "pg_sample_db_max_size_bytes",
           figures);
  const auto reads = figures.find("pg_sample_read_iops");
  const auto writes = figures.find("pg_sample_write_iops");
  if (limits.iops && *limits.iops > 0 && reads != figures.end() && writes != figures.end()) {
    figures["pg_sample_iops_used_ratio"] = (reads->second + writes->second) / *limits.iops;
  }
}

}  // namespace sample
}  // namespace pgbeacon
