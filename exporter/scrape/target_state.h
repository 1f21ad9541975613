// What a Target and its running coroutines share. target.cc: joining and pages; run.cc: one run;
// learn.cc: what a run must know before; locked.cc, hidden.cc: locks and settings in its way;
// aside.cc: questions between runs; sampling.cc: samples; visit.cc: collectors with an interval,
// and explain; rotate.cc: other databases; knock.cc: servers that shut down; role.cc: the role in
// between.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collectors/engine/lookup.h"
#include "exporter/net/event.h"
#include "exporter/pg/up_reason.h"
#include "exporter/scrape/ask.h"
#include "exporter/scrape/backends.h"
#include "exporter/scrape/breaker.h"
#include "exporter/scrape/hidden.h"
#include "exporter/scrape/locked.h"
#include "exporter/scrape/outcome.h"
#include "exporter/scrape/rotation.h"
#include "exporter/scrape/sampling.h"
#include "exporter/scrape/schedule.h"
#include "exporter/scrape/session.h"
#include "exporter/scrape/target.h"

namespace pgbeacon::scrape {

/// One run of the plan, shared by the scrapes that joined it. Every wait in it ends at `deadline`:
/// that is its lease. It is the first scrape's; who has more time left when it cut the run short
/// takes part in the next one.
struct Run {
  Run(net::any_io_executor executor, TimePoint deadline, Only only)
      : ended(executor), deadline(deadline), only(std::move(only)) {}

  net::Event ended;
  TimePoint deadline;
  Only only;
  pg::UpReason reason = pg::UpReason::kTimeout;  ///< until the base query is answered
  bool identified = false;                       ///< the facts are of the server that answered
  std::shared_ptr<const collectors::Plan> plan;  ///< null until it is known
  std::vector<Outcome> outcomes;                 ///< by index in plan->on
  std::vector<std::size_t> asked;                ///< indexes in plan->on, in the order of asking
  std::size_t answered = 0;                      ///< how many of these have an outcome
  std::string unfinished = "timeout";
  std::size_t readers = 0;

  /// Whether more time would have given more.
  bool CutShort() const;
  /// Says of what stands behind a user's statement that has not ended that it was not asked.
  void NameUnasked();
};

class Target::State : public std::enable_shared_from_this<State> {
 public:
  State(net::any_io_executor executor, net::Lanes lanes, const collectors::Catalogue& catalogue,
        TargetOptions options, std::shared_ptr<pg::Login> login);

  static net::awaitable<Families> Scrape(std::shared_ptr<State> self, TimePoint deadline,
                                         Only only);
  static net::awaitable<Result<std::vector<Explained>>> Explain(std::shared_ptr<State> self,
                                                                TimePoint deadline);
  static net::awaitable<Result<Asked>> Ask(std::shared_ptr<State> self,
                                           const collectors::Catalogue& more, TimePoint deadline);
  static net::awaitable<RoleSeen> Role(std::shared_ptr<State> self, TimePoint deadline);
  static net::awaitable<void> Close(std::shared_ptr<State> self);
  /// Makes everything that waits end soon; nothing starts afterwards.
  void Stop();
  /// Begins the samples between scrapes.
  void StartSampling();

  const TargetOptions& options() const { return options_; }
  bool attempted() const { return attempted_; }
  std::function<void(const collectors::ServerFacts&)> listener;

 private:
  static net::awaitable<void> Execute(std::shared_ptr<State> self, std::shared_ptr<Run> run);
  static net::awaitable<void> Visit(std::shared_ptr<State> self,
                                    std::shared_ptr<const collectors::Plan> plan);

  /// Gives what has never run in the background the time to do so.
  net::awaitable<void> WaitForFirst(TimePoint deadline);
  /// The run under way, where it asks for all that is wanted; null where it does not.
  std::shared_ptr<Run> Join(TimePoint deadline, const Only& only);
  Families Page(Run& run, const Only& only, bool last);
  void Finish(Run& run);

  static net::awaitable<void> SampleOn(std::shared_ptr<State> self);
  net::awaitable<void> Sample(const collectors::PlannedCollector& planned);
  net::awaitable<bool> SampleNow(const collectors::PlannedCollector& planned, Duration stands,
                                 TimePoint deadline);
  /// Returns whether the answer had rows.
  bool TakeSample(const collectors::PlannedCollector& planned, const pg::Answer& answer,
                  Duration stands);
  void StartRoleWatch();
  static net::awaitable<void> WatchRole(std::shared_ptr<State> self);
  net::awaitable<void> LookAtRole();
  net::awaitable<bool> AskRole(Session& session);
  void NoteRole(RoleSeen seen);
  void NoteRole(bool replica);
  void RoleUnknown(const Error& error);

  /// Texts that go with what the run's collectors show.
  net::awaitable<Status> LookUp(std::shared_ptr<Run> run);

  /// Closes the connection of the scrapes where it has been open for long.
  void Recycle();
  /// Now and then, looks whether the server shuts down, and closes the connection if it does.
  void StartKnock();
  static net::awaitable<void> KnockAt(std::shared_ptr<State> self);
  net::awaitable<Result<Asked>> AskNow(const collectors::Catalogue& more, TimePoint deadline);
  net::awaitable<Result<collectors::ServerFacts>> Base(TimePoint deadline, bool& warm);
  net::awaitable<Status> Learn(collectors::ServerFacts now, bool warm, TimePoint deadline);
  /// Forgets what was of another server or role.
  void NoteChange(const collectors::ServerFacts& now, bool other);
  /// Settings that our sessions hide, where they are due and the second place is free.
  net::awaitable<void> LearnHidden(TimePoint deadline);
  net::awaitable<void> LearnHiddenNow(TimePoint deadline);
  net::awaitable<Result<collectors::ServerFacts>> AskHidden(TimePoint deadline);
  collectors::Plan PlanOf(const collectors::ServerFacts& facts) const;
  /// For the pages of runs that end before there is a plan: what is not known is not missing.
  void AssumePlan(collectors::ServerFacts facts);
  void AssumePlan(int version_num);
  /// Gives `facts` what collectors need and `unknown` may hide.
  void Assume(const FailedFacts& unknown, collectors::ServerFacts& facts) const;
  std::shared_ptr<const collectors::Plan> Share(collectors::Plan plan) const;
  /// Runs need the facts anew; pages go on naming what was planned.
  void ForgetPlan();
  net::awaitable<Status> Collect(std::shared_ptr<Run> run);
  /// Fills run->asked. Returns how many of them come before the slow ones.
  std::size_t OrderAsked(Run& run) const;
  /// The statements of run->asked from run->answered to `end`. A user's without a time limit of its
  /// own has one of so many `parts` of the time that is left.
  net::awaitable<Status> CollectSome(pg::Connection& connection, std::shared_ptr<Run> run,
                                     std::size_t end, std::size_t parts);
  /// Remembers users' collectors that ran out of time, for the next run.
  void NoteSlow(const collectors::PlannedCollector& planned, const std::string& failure);
  /// Whether what broke is the doing of the statement that was running: one of the user's, or one
  /// whose answer was refused.
  bool IsItsDoing(const collectors::PlannedCollector& planned, const Status& status) const;
  /// Whether a user's statement may have been running, and it is not known which: the server's last
  /// words are lost. `done` of those asked have answered.
  bool IsUnclear(const std::vector<const collectors::PlannedCollector*>& asked, std::size_t done,
                 const Status& status) const;
  /// Says once which metrics users' collectors have in common with ours.
  void TellNamesakes();
  net::awaitable<Status> LookAtLocks(TimePoint deadline, bool& known,
                                     std::set<std::string>& relations);
  /// Fails the collectors that a lock is known to keep waiting.
  net::awaitable<Status> PassOverLocked(std::shared_ptr<Run> run);
  net::awaitable<Status> NoteLocked(std::shared_ptr<Run> run);
  void NameIfDiscovering(const collectors::PlannedCollector& planned, Outcome& outcome) const;
  void NoteConnect(bool connected);
  void Down(Run& run, const Error& error);
  void SetReason(Run& run, pg::UpReason reason, const std::string& message);
  /// The server is up, but the run has not got to its end.
  void EndEarly(Run& run, const Error& error);
  void WarnOfSuperuser();
  void LogOutcome(const collectors::Collector& collector, const std::string& failure,
                  const std::string& message);

  /// Starts Visit when collectors are due and none is under way.
  void StartVisit();
  net::awaitable<void> VisitOwn(std::shared_ptr<const collectors::Plan> plan);
  net::awaitable<Status> VisitOne(pg::Connection& connection,
                                  const collectors::PlannedCollector& planned);
  net::awaitable<Result<std::vector<Explained>>> ExplainNow(TimePoint deadline);

  /// One pass over the other databases.
  net::awaitable<void> Rotate();
  net::awaitable<bool> BeginPass();
  /// False when the server is gone, so that the pass ends.
  net::awaitable<bool> VisitDatabase(std::string database);
  net::awaitable<Result<collectors::Plan>> PlanIn(std::string database,
                                                  std::shared_ptr<pg::Login> login);
  /// The statements from `done` on; `done` follows what has an outcome. False when a connection is
  /// of no use for the rest; true with a rest where a user's statement took its connection along.
  /// The next `alone` of them are asked one by one, to find that statement.
  net::awaitable<bool> RunRound(pg::Connection& connection, std::string database,
                                std::vector<const collectors::PlannedCollector*> round,
                                std::size_t& done, std::size_t& alone);
  void RecordElsewhere(const std::string& database, const collectors::PlannedCollector& planned,
                       Outcome outcome, const std::string& message);
  bool NotVisited(const std::string& database, const Error& error);

  net::any_io_executor executor_;
  net::Lanes lanes_;
  const collectors::Catalogue& catalogue_;
  TargetOptions options_;
  std::shared_ptr<pg::Login> login_;
  Breaker breaker_;
  std::shared_ptr<Backends> backends_;
  Session main_;    ///< kept between scrapes; used by a run or a question, one at a time
  Session visits_;  ///< open while a visit or an explain is under way
  std::shared_ptr<Run> run_;
  std::shared_ptr<net::Event> asking_;
  std::shared_ptr<net::Event> visiting_;
  std::shared_ptr<net::Event> visiting_own_;  ///< of a visit, the part in the connected database
  Schedule schedule_;
  Rotation rotation_;
  std::map<std::string, Governors> governors_elsewhere_;  ///< by database
  Governors governors_;  ///< of this server in this role, as are the next two
  Samplings samplings_;
  std::map<std::string, collectors::LookupTable> lookups_;
  LockedCatalogues locked_;
  HiddenSettings hidden_;
  net::Event ending_;  ///< set by Stop

  std::optional<collectors::ServerFacts> facts_;
  TimePoint facts_at_;
  bool facts_stale_ = true;
  FailedFacts unknown_;  ///< what the facts lack because the server has never answered
  std::shared_ptr<const collectors::Plan> plan_;
  /// What pages name as failed while there is no plan; never run.
  std::shared_ptr<const collectors::Plan> assumed_;

  std::optional<double> certificate_not_after_;  ///< of the last connect

  RoleSeen role_;
  TimePoint role_asked_at_;
  std::shared_ptr<net::Event> role_news_;  ///< of the next look; null while nobody asks

  std::optional<pg::UpReason> seen_;  ///< of the last run, so that a change is logged once
  std::map<std::string, std::string> logged_failures_;
  std::set<std::string> logged_namesakes_;
  std::set<std::string> namesakes_;  ///< metrics that several collectors of the plan have
  std::set<std::string> slow_;       ///< users' collectors that ran out of time when last asked
  std::string logged_early_;         ///< reason label of the last run where it ended early
  TimePoint observed_at_;
  Duration up_{};
  Duration down_{};
  TimePoint admitted_at_;  ///< when the server last let us in, or was last asked to
  bool attempted_ = false;
  bool superuser_warned_ = false;
  bool stopped_ = false;
};

}  // namespace pgbeacon::scrape
