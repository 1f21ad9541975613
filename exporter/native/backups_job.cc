#include <utility>

#include "collectors/native/backup.h"
#include "exporter/native/files.h"
#include "exporter/native/jobs.h"

namespace pgbeacon::native {
namespace {

using collectors::BackupSet;

constexpr std::chrono::minutes kInterval{5};
constexpr std::chrono::minutes kTimeout{1};

/// Backups, and how many entries of the list could not be read.
struct Inventoried {
  BackupSet set;
  std::size_t unreadable = 0;
};

Result<Inventoried> Read(const config::Inventory& inventory, TimePoint deadline) {
  Inventoried read;
  Result<BackupSet> set = BackupSet();
  if (inventory.json.empty()) {
    set = ReadBackupFiles(inventory.glob, deadline);
  } else {
    const Result<std::string> text = ReadRegularFile(inventory.json);
    if (!text.ok()) return text.error();
    set = collectors::ReadInventory(*text, read.unreadable);
  }
  if (!set.ok()) {
    return Error(set.error().code, inventory.json + inventory.glob + ": " + set.error().message);
  }
  read.set = *std::move(set);
  read.set.name = inventory.name;
  read.set.kind = inventory.kind;
  return read;
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
    Result<Inventoried> found = co_await context_.files.Run(read);
    if (!found.ok()) co_return Fetched(found.error());
    const Show show = [found = *std::move(found)](std::size_t& dropped) {
      collectors::Sheet sheet;
      AddBackups(found.set, UnixNow(), sheet);
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
