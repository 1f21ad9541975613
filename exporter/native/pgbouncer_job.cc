#include <set>
#include <utility>
#include <vector>

#include "collectors/native/pgbouncer.h"
#include "exporter/native/jobs.h"
#include "exporter/pg/login.h"
#include "exporter/pg/up_reason.h"
#include "exporter/scrape/session.h"

namespace pgbeacon::native {
namespace {

using collectors::Subject;

constexpr std::chrono::seconds kUnused{5};  // the console has no statement_timeout
constexpr std::chrono::hours kRecycle{1};

/// The console takes no session settings, neither at the start nor later.
std::shared_ptr<pg::Login> MakeLogin(const config::Pooler& pooler) {
  Result<pg::Login> login = pg::Login::Make(pooler.conninfo, "", pooler.password_file);
  if (!login.ok()) return nullptr;
  login->options_refused = true;
  return std::make_shared<pg::Login>(*std::move(login));
}

std::vector<std::string> Reasons() {
  std::vector<std::string> names;
  for (const pg::UpReason reason : pg::kUpReasons) names.emplace_back(UpReasonName(reason));
  return names;
}

class PgBouncerJob : public Job {
 public:
  PgBouncerJob(const JobContext& context, const config::Pooler& pooler)
      : Job("pgbouncer"),
        name_(pooler.name),
        session_(context.executor, net::Lanes{&context.pool, &context.pool}, MakeLogin(pooler)) {}

  std::string instance() const override { return name_; }
  void Stop() override { session_.Stop(); }

  Families Late() const override {
    return collectors::PgBouncerState(name_, UpReasonName(pg::UpReason::kTimeout), Reasons());
  }

  net::awaitable<Fetched> Fetch(TimePoint deadline) override {
    if (session_.connected() && session_.age() > kRecycle) session_.Drop();
    const bool warm = session_.connected();
    std::optional<collectors::PgBouncer> decoder;
    Status asked = co_await Ask(decoder, deadline);
    const bool closed = !asked.ok() && asked.error().code == ErrorCode::kUnavailable;
    if (warm && closed && SteadyClock::now() < deadline) asked = co_await Ask(decoder, deadline);
    const std::string reason = asked.ok() ? "ok" : UpReasonName(pg::ReasonOf(asked.error()));
    Families families = collectors::PgBouncerState(name_, reason, Reasons());
    std::size_t left_out = 0;
    if (asked.ok()) {
      for (Family& family : decoder->Take()) families.push_back(std::move(family));
      left_out = decoder->dropped();
    }
    const Show show = [families = std::move(families), left_out](std::size_t& dropped) {
      dropped += left_out;
      return families;
    };
    if (asked.ok()) co_return Fetched(show);
    co_return Fetched(asked.error(), show);
  }

 private:
  /// All answers of one connection, into a new decoder.
  net::awaitable<Status> Ask(std::optional<collectors::PgBouncer>& decoder, TimePoint deadline) {
    decoder.emplace(name_);
    Result<pg::Connection*> connection = co_await session_.Connect(kUnused, deadline);
    if (!connection.ok()) co_return connection.error();
    for (const collectors::Show& show : collectors::kShows) {
      const Subject subject = show.subject;
      if (refused_.contains(subject)) continue;
      const auto take = [this, &decoder, subject](const collectors::Rows& rows) {
        if (subject == Subject::kVersion) NoteVersion(rows);
        decoder->Add(subject, rows);
      };
      pg::RowSink sink = take;
      const std::string sql = show.sql;
      const Status answered = co_await (*connection)->RunSimple(sql, deadline, std::move(sink));
      if (answered.ok()) continue;
      const bool refused = !answered.error().sqlstate.empty();
      if (refused && show.optional) {
        refused_.insert(subject);
        continue;
      }
      session_.Drop();
      if (!refused) co_return answered.error();
      co_return Error(answered.error().code,
                      sql + ": " + answered.error().message +
                          " (the dsn must name the database pgbouncer and one of stats_users)",
                      answered.error().sqlstate);
    }
    co_return Status();
  }

  /// What a version does not know goes into its log as an error: it is asked for once.
  void NoteVersion(const collectors::Rows& rows) {
    if (rows.rows() == 0 || rows.columns() == 0) return;
    const std::string version(rows.at(0, 0).value_or(""));
    if (version != version_) refused_.clear();
    version_ = version;
  }

  std::string name_;
  std::string version_;
  std::set<Subject> refused_;
  scrape::Session session_;
};

}  // namespace

std::unique_ptr<Job> MakePgBouncerJob(const JobContext& context, const config::Pooler& pooler) {
  return std::make_unique<PgBouncerJob>(context, pooler);
}

}  // namespace pgbeacon::native
