#include <utility>

#include "collectors/native/backup.h"
#include "exporter/native/files.h"
#include "exporter/native/jobs.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::native {
namespace {

using collectors::BackupSet;

constexpr std::chrono::minutes kInterval{5};
constexpr std::chrono::minutes kTimeout{1};

Result<BackupSet> Read(const config::Inventory& inventory, TimePoint deadline) {
  Result<BackupSet> set = BackupSet();
  if (inventory.json.empty()) {
    set = ReadBackupFiles(inventory.glob, deadline);
  } else {
    const Result<std::string> text = net::ReadRegularFile(inventory.json);
    if (!text.ok()) return text.error();
    set = collectors::ReadInventory(*text);
  }
  if (!set.ok()) {
    return Error(set.error().code, inventory.json + inventory.glob + ": " + set.error().message);
  }
  set->name = inventory.name;
  set->kind = inventory.kind;
  return set;
}

class BackupsJob : public Job {
 public:
  BackupsJob(const JobContext& context, config::Inventory inventory)
      : Job("backups"), context_(context), inventory_(std::move(inventory)) {}

  std::string instance() const override { return inventory_.name; }
  std::optional<std::chrono::milliseconds> interval() const override { return kInterval; }
  std::chrono::milliseconds timeout() const override { return kTimeout; }

  net::awaitable<Fetched> Fetch(TimePoint deadline) override {
    const auto read = [inventory = inventory_, deadline] { return Read(inventory, deadline); };
    Result<BackupSet> found = co_await context_.pool.Run(read);
    if (!found.ok()) co_return Fetched(found.error());
    const Show show = [found = *std::move(found)](std::size_t& dropped) {
      collectors::Sheet sheet;
      AddBackups(found, UnixNow(), sheet);
      dropped += sheet.dropped() + found.unreadable;
      return sheet.Take();
    };
    co_return Fetched(show);
  }

 private:
  JobContext context_;
  config::Inventory inventory_;
};

}  // namespace

std::unique_ptr<Job> MakeBackupsJob(const JobContext& context, const config::Inventory& inventory) {
  return std::make_unique<BackupsJob>(context, inventory);
}

}  // namespace pgbeacon::native
