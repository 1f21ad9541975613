#include <utility>

#include "collectors/native/pgbackrest.h"
#include "exporter/native/jobs.h"
#include "exporter/native/process.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::native {
namespace {

using collectors::BackrestContext;
using collectors::BackrestInfo;

constexpr std::chrono::minutes kInterval{5};
constexpr std::chrono::minutes kTimeout{1};

using Read = Result<std::shared_ptr<const BackrestInfo>>;

Read ReadInfo(const std::string& file, Command& command, TimePoint deadline,
              const std::atomic<bool>& stopped) {
  CommandLimits limits;
  limits.deadline = deadline;
  const Result<std::string> text =
      file.empty() ? command.Run(limits, stopped) : net::ReadRegularFile(file);
  if (!text.ok()) return text.error();
  Result<BackrestInfo> info = collectors::ReadBackrestInfo(*text);
  if (!info.ok()) return info.error();
  return std::make_shared<const BackrestInfo>(*std::move(info));
}

class PgBackRestJob : public Job {
 public:
  PgBackRestJob(const JobContext& context, config::Backrest backrest)
      : Job("pgbackrest"),
        context_(context),
        file_(std::move(backrest.file)),
        command_(std::make_shared<Command>(std::move(backrest.command))) {}

  std::optional<std::chrono::milliseconds> interval() const override { return kInterval; }
  std::chrono::milliseconds timeout() const override { return kTimeout; }

  net::awaitable<Fetched> Fetch(TimePoint deadline) override {
    // Before the repository is read: what the server has archived by now must be there.
    const Status learnt = co_await context_.server.Learn(HalfWayTo(deadline));
    BackrestContext known;
    if (learnt.ok()) {
      known.last_archived_wal = context_.server.last_archived_wal();
      known.archived_until = context_.server.archived_until();
    }
    const auto read = [file = file_, command = command_, deadline, stopped = context_.stopped] {
      return ReadInfo(file, *command, deadline, *stopped);
    };
    Read info = co_await context_.pool.Run(read);
    if (!info.ok()) co_return Fetched(info.error());
    const Show show = [info = *info, known, &server = context_.server](std::size_t& dropped) {
      BackrestContext context = known;
      context.now = UnixNow();
      context.system_identifier = server.system_identifier();
      context.major = server.major();
      context.wal_segment_bytes = server.wal_segment_bytes();
      return BackrestFamilies(*info, context, dropped);
    };
    co_return Fetched(show);
  }

 private:
  JobContext context_;
  std::string file_;                  ///< instead of the command
  std::shared_ptr<Command> command_;  ///< shared with the thread that runs it
};

}  // namespace

std::unique_ptr<Job> MakePgBackRestJob(const JobContext& context,
                                       const config::Backrest& backrest) {
  return std::make_unique<PgBackRestJob>(context, backrest);
}

}  // namespace pgbeacon::native
