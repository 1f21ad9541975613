// LiveSigns: what alerts look for among messages that were written while pgbeacon looked. What was
// there before it, and is read later, counts in pg_log_* like everything; an alert that looked at
// those would tell of the past. So would one that looked at what a file that came late, or a
// sender's queue, brings of the past: what is known to be old is not live, however it came.
//
// The signs are the born values of pgbeacon_log_live_messages_total in events.yml: severities,
// SQLSTATEs, events, and kAuthenticationFailure.
//
// Example:
//   LiveSigns signs(catalogue);
//   signs.Of(Severity::kPanic, "58030", event, bears);   // bears: {"PANIC", "58030"}
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/events/catalogue.h"
#include "logparse/message.h"

namespace pgbeacon::log {

inline constexpr std::string_view kLiveMessages = "pgbeacon_log_live_messages_total";
/// Seconds between a message's own time and its being taken, beyond which it tells of the past.
inline constexpr double kLongestUnderWay = 600;
/// Of every event that feeds pg_log_authentication_failures_total.
inline constexpr std::string_view kAuthenticationFailure = "authentication_failure";

/// Borrows the catalogue. Immutable.
class LiveSigns {
 public:
  explicit LiveSigns(const Catalogue& catalogue);

  /// Index into Catalogue::families(); -1: the catalogue has none, and no message a sign.
  int family() const { return family_; }

  /// The signs that a message of the server bears, as of `severity`, with the SQLSTATE as labels
  /// show it (empty: none) and what it was recognised as.
  void Of(Severity severity, std::string_view sqlstate, const Event& event,
          std::vector<std::string_view>& bears) const;

 private:
  /// Adds the sign if alerts look for it.
  void Add(std::string_view sign, std::vector<std::string_view>& bears) const;

  const Catalogue& catalogue_;
  int family_ = -1;
  std::set<std::string, std::less<>> signs_;
  std::vector<bool> event_is_sign_;  // by row
  std::vector<bool> is_failure_;     // by row: of an authentication
};

}  // namespace pgbeacon::log
