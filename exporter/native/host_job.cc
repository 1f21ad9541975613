#include "exporter/native/jobs.h"
#include "exporter/scrape/host.h"
#include "exporter/scrape/host_report.h"

namespace pgbeacon::native {
namespace {

struct Look {
  Families families;
  std::size_t dropped = 0;
  Status trouble;
};

Look LookAtHost(const scrape::HostPlaces& places, int postmaster) {
  Look look;
  collectors::Sheet sheet;
  AddHost(scrape::ReadHostReport(places, postmaster, look.trouble), sheet);
  if (const auto files = scrape::ReadCgroup(postmaster, look.trouble)) {
    AddCgroup(*files, scrape::DeviceName, sheet);
  }
  look.families = sheet.Take();
  look.dropped = sheet.dropped();
  return look;
}

class HostJob : public Job {
 public:
  explicit HostJob(const JobContext& context) : Job("host"), context_(context) {}

  bool applies() const override { return context_.server.may_be_local(); }

  net::awaitable<Fetched> Fetch(TimePoint deadline) override {
    // A server that is down leaves its host where it was, and statements that take long keep nobody
    // from looking at it.
    const Status learnt = co_await context_.server.LearnIfChanged(HalfWayTo(deadline));
    const std::optional<int> postmaster = context_.server.postmaster();
    if (!postmaster) {
      if (!learnt.ok()) co_return Fetched(learnt.error());
      co_return Fetched(Show());  // the server is on another host
    }
    const auto look = [places = context_.server.places(), process = *postmaster] {
      return LookAtHost(places, process);
    };
    Look seen = co_await context_.pool.Run(look);
    const Show show = [seen](std::size_t& dropped) {
      dropped += seen.dropped;
      return seen.families;
    };
    if (!seen.trouble.ok()) co_return Fetched(seen.trouble.error(), show);
    co_return Fetched(show);
  }

 private:
  JobContext context_;
};

}  // namespace

std::unique_ptr<Job> MakeHostJob(const JobContext& context) {
  return std::make_unique<HostJob>(context);
}

}  // namespace pgbeacon::native
