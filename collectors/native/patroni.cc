#include "collectors/native/patroni.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <map>

#include "base/text.h"
#include "collectors/native/backup.h"
#include "collectors/native/json.h"

namespace pgbeacon::collectors {
namespace {

using boost::json::value;

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;

// clang-format off
constexpr Metric kUp = {"patroni_up", kGauge, "Whether Patroni's REST API answered (1) or not (0)."};
constexpr Metric kVersion = {"patroni_version", kGauge, "Patroni's version: two digits for each of its parts."};
constexpr Metric kRunning = {"patroni_postgres_running", kGauge, "Whether the member's PostgreSQL runs."};
constexpr Metric kStart = {"patroni_postmaster_start_time", kGauge, "When the member's PostgreSQL was started, in seconds since the epoch."};
constexpr Metric kMaster = {"patroni_master", kGauge, "Whether the member is the leader; the name before Patroni 4."};
constexpr Metric kPrimary = {"patroni_primary", kGauge, "Whether the member is the leader."};
constexpr Metric kStandbyLeader = {"patroni_standby_leader", kGauge, "Whether the member leads a standby cluster."};
constexpr Metric kReplica = {"patroni_replica", kGauge, "Whether the member is a replica."};
constexpr Metric kSync = {"patroni_sync_standby", kGauge, "Whether the member is a synchronous standby."};
constexpr Metric kQuorum = {"patroni_quorum_standby", kGauge, "Whether the member is a quorum standby."};
constexpr Metric kLocation = {"patroni_xlog_location", kCounter, "WAL position of a leader, in bytes."};
constexpr Metric kReceived = {"patroni_xlog_received_location", kCounter, "WAL position up to which a replica has received, in bytes."};
constexpr Metric kReplayed = {"patroni_xlog_replayed_location", kCounter, "WAL position up to which a replica has replayed, in bytes."};
constexpr Metric kReplayedTime = {"patroni_xlog_replayed_timestamp", kGauge, "Time of the last transaction that a replica has replayed, in seconds since the epoch."};
constexpr Metric kReplayPaused = {"patroni_xlog_paused", kGauge, "Whether replay is paused on a replica."};
constexpr Metric kServerVersion = {"patroni_postgres_server_version", kGauge, "server_version_num of the member's PostgreSQL."};
constexpr Metric kUnlocked = {"patroni_cluster_unlocked", kGauge, "Whether nobody holds the leader lock."};
constexpr Metric kFailsafe = {"patroni_failsafe_mode_is_active", kGauge, "Whether the failsafe mode is active: the store cannot be reached."};
constexpr Metric kTimeline = {"patroni_postgres_timeline", kCounter, "Timeline of the member's PostgreSQL."};
constexpr Metric kDcs = {"patroni_dcs_last_seen", kGauge, "When Patroni last reached its store (DCS), in seconds since the epoch."};
constexpr Metric kDcsAge = {"patroni_dcs_last_seen_age_seconds", kGauge, "Time since Patroni last reached its store (DCS)."};
constexpr Metric kPending = {"patroni_pending_restart", kGauge, "Whether the member's PostgreSQL needs a restart."};
constexpr Metric kPaused = {"patroni_is_paused", kGauge, "Whether automatic failover is switched off."};
constexpr Metric kMembers = {"patroni_cluster_members", kGauge, "Members of the cluster by role."};
constexpr Metric kHasLeader = {"patroni_cluster_has_leader", kGauge, "Whether the cluster has a leader that runs."};
constexpr Metric kMember = {"patroni_member_info", kGauge, "A member of the cluster, with its role and state; always 1."};
constexpr Metric kMemberLag = {"patroni_member_lag_bytes", kGauge, "How much WAL of the leader the member has not received."};
constexpr Metric kMemberTimeline = {"patroni_member_timeline", kGauge, "Timeline of the member."};
constexpr Metric kMemberPending = {"patroni_member_pending_restart", kGauge, "Whether the member's PostgreSQL needs a restart."};
constexpr Metric kSwitchover = {"patroni_cluster_scheduled_switchover_timestamp_seconds", kGauge, "When a switchover is scheduled for."};
constexpr Metric kTtl = {"patroni_config_ttl_seconds", kGauge, "How long the leader lock is held without being renewed."};
constexpr Metric kLoopWait = {"patroni_config_loop_wait_seconds", kGauge, "How long Patroni sleeps between two looks."};
constexpr Metric kRetry = {"patroni_config_retry_timeout_seconds", kGauge, "How long Patroni retries its store and PostgreSQL."};
constexpr Metric kMaximumLag = {"patroni_config_maximum_lag_on_failover_bytes", kGauge, "How far behind a member may be and still become leader."};
constexpr Metric kSynchronous = {"patroni_config_synchronous_mode", kGauge, "Whether the cluster replicates synchronously."};
constexpr Metric kStrict = {"patroni_config_synchronous_mode_strict", kGauge, "Whether the leader stops writing without a synchronous standby."};
// clang-format on

const value& At(const value& object, std::string_view key) {
  static const value kNothing;
  const value* member = MemberAt(object, key);
  return member ? *member : kNothing;
}

std::optional<double> TimeAt(const value& object, std::string_view key) {
  const std::optional<std::string> text = TextAt(object, key);
  return text ? ParseTimestamp(*text) : std::nullopt;
}

/// "3.0.2" as 30002.
std::optional<double> VersionNumber(const std::string& version) {
  double number = 0;
  for (const std::string& part : Split(version, '.')) {
    const std::optional<std::int64_t> digits = ParseInt(part);
    if (!digits || *digits < 0 || *digits > 99) return std::nullopt;
    number = number * 100 + static_cast<double>(*digits);
  }
  return number > 0 ? std::optional<double>(number) : std::nullopt;
}

Result<Json> ParseObject(std::string_view text, const char* what) {
  Result<Json> json = Json::Parse(text);
  if (json.ok() && json->root().is_object()) return json;
  return Error(ErrorCode::kInvalid, std::string("GET ") + what + ": " +
                                        (json.ok() ? "no JSON object" : json.error().message));
}

bool Leads(const std::string& role) {
  return role == "master" || role == "primary" || role == "leader";
}

}  // namespace

Status Patroni::AddMember(std::string_view text) {
  const Result<Json> json = ParseObject(text, "/patroni");
  if (!json.ok()) return json.error();
  const value& root = json->root();
  const std::optional<std::string> state = TextAt(root, "state");
  const std::optional<std::string> role = TextAt(root, "role");
  if (!state || !role) {
    return Error(ErrorCode::kInvalid, "GET /patroni: the answer has no state and role");
  }
  scope_ = TextAt(At(root, "patroni"), "scope").value_or("");
  name_ = TextAt(At(root, "patroni"), "name").value_or("");
  version_ = TextAt(At(root, "patroni"), "version").value_or("");
  Add(kVersion, VersionNumber(version_));
  Add(kRunning, *state == "running");
  Add(kStart, TimeAt(root, "postmaster_start_time"));
  Add(kMaster, Leads(*role));
  Add(kPrimary, Leads(*role));
  Add(kStandbyLeader, *role == "standby_leader");
  Add(kReplica, *role == "replica");
  Add(kSync, BoolAt(root, "sync_standby").value_or(false));
  Add(kQuorum, BoolAt(root, "quorum_standby").value_or(false));
  const value& xlog = At(root, "xlog");
  Add(kLocation, NumberAt(xlog, "location"));
  Add(kReceived, NumberAt(xlog, "received_location"));
  Add(kReplayed, NumberAt(xlog, "replayed_location"));
  Add(kReplayedTime, TimeAt(xlog, "replayed_timestamp"));
  if (const auto paused = BoolAt(xlog, "paused")) Add(kReplayPaused, *paused);
  Add(kServerVersion, NumberAt(root, "server_version"));
  Add(kUnlocked, BoolAt(root, "cluster_unlocked").value_or(false));
  Add(kFailsafe, BoolAt(root, "failsafe_mode_is_active").value_or(false));
  Add(kTimeline, NumberAt(root, "timeline"));
  dcs_last_seen_ = NumberAt(root, "dcs_last_seen");
  Add(kPending, BoolAt(root, "pending_restart").value_or(false));
  Add(kPaused, BoolAt(root, "pause").value_or(false));
  return {};
}

Status Patroni::AddCluster(std::string_view text) {
  const Result<Json> json = ParseObject(text, "/cluster");
  if (!json.ok()) return json.error();
  const value& root = json->root();
  if (!At(root, "members").is_array()) {
    return Error(ErrorCode::kInvalid, "GET /cluster: the answer has no members");
  }
  members_.emplace();
  for (const value& entry : ArrayAt(root, "members")) {
    Member member;
    member.name = TextAt(entry, "name").value_or("");
    member.role = TextAt(entry, "role").value_or("");
    member.state = TextAt(entry, "state").value_or("");
    member.host = TextAt(entry, "host").value_or("");
    member.lag = NumberAt(entry, "lag");
    member.timeline = NumberAt(entry, "timeline");
    member.pending_restart = BoolAt(entry, "pending_restart").value_or(false);
    if (!member.name.empty()) members_->push_back(std::move(member));
    if (members_->size() == kMostMembers) break;
  }
  Add(kSwitchover, TimeAt(At(root, "scheduled_switchover"), "at"));
  return {};
}

Status Patroni::AddConfig(std::string_view text) {
  const Result<Json> json = ParseObject(text, "/config");
  if (!json.ok()) return json.error();
  const value& root = json->root();
  Add(kTtl, NumberAt(root, "ttl"));
  Add(kLoopWait, NumberAt(root, "loop_wait"));
  Add(kRetry, NumberAt(root, "retry_timeout"));
  Add(kMaximumLag, NumberAt(root, "maximum_lag_on_failover"));
  const bool quorum = TextAt(root, "synchronous_mode") == "quorum";
  Add(kSynchronous, quorum || BoolAt(root, "synchronous_mode").value_or(false));
  Add(kStrict, BoolAt(root, "synchronous_mode_strict").value_or(false));
  return {};
}

Families Patroni::Take(double now, std::size_t& dropped) const {
  Sheet sheet;
  Labels labels = {{"scope", scope_}};
  if (!name_.empty()) labels.emplace_back("name", name_);
  for (const Value& given : values_) sheet.Add(*given.metric, labels, given.value);
  if (dcs_last_seen_) {
    sheet.Add(kDcs, labels, *dcs_last_seen_);
    sheet.Add(kDcsAge, labels, std::max(0.0, now - *dcs_last_seen_));
  }
  if (members_) {
    std::map<std::string, double> roles;
    bool led = false;
    for (const Member& member : *members_) {
      ++roles[member.role];
      led = led ||
            ((Leads(member.role) || member.role == "standby_leader") && member.state == "running");
      const Labels named = {{"scope", scope_}, {"member", member.name}};
      Labels info = named;
      info.emplace_back("host", member.host);
      info.emplace_back("role", member.role);
      info.emplace_back("state", member.state);
      sheet.Add(kMember, info, 1);
      sheet.Add(kMemberLag, named, member.lag);
      sheet.Add(kMemberTimeline, named, member.timeline);
      sheet.Add(kMemberPending, named, member.pending_restart);
    }
    for (const auto& [role, count] : roles) {
      sheet.Add(kMembers, {{"scope", scope_}, {"role", role}}, count);
    }
    sheet.Add(kHasLeader, {{"scope", scope_}}, led ? 1 : 0);
  }
  dropped += sheet.dropped();
  return sheet.Take();
}

Families PatroniUp(bool up) {
  Sheet sheet;
  sheet.Add(kUp, {}, up ? 1 : 0);
  return sheet.Take();
}

}  // namespace pgbeacon::collectors
