// HiddenSettings: settings that sessions of ours have for themselves, so that pg_settings shows
// ours in place of the server's. A session without options is asked for them, seldom; see
// hidden.cc.
//
// Example:
//   if (hidden.Due(facts, now)) hidden.Learn(facts, AskWithoutOptions(), now);
//   hidden.PutInto(facts);
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "collectors/engine/facts.h"
#include "collectors/engine/plan.h"

namespace pgbeacon::scrape {

class HiddenSettings {
 public:
  /// Whether the plan has a collector that shows one of them.
  static bool ShownBy(const collectors::Plan& plan);

  /// Whether they are not known of this server since it has read its configuration or was promoted,
  /// or are old. After a failure there is a pause.
  bool Due(const collectors::ServerFacts& facts, TimePoint now) const;
  void Learn(const collectors::ServerFacts& facts, std::map<std::string, std::string> settings,
             TimePoint now);
  /// Returns whether it is the first failure in a row.
  bool Fail(TimePoint now);

  /// Replaces what facts.settings says of them; what is not known is taken out.
  void PutInto(collectors::ServerFacts& facts) const;

 private:
  bool Known(const collectors::ServerFacts& facts) const;

  std::map<std::string, std::string> settings_;
  std::string system_identifier_;
  double start_time_seconds_ = -1;
  double conf_load_time_seconds_ = -1;
  bool in_recovery_ = false;
  TimePoint learnt_at_;
  TimePoint not_before_;
  bool failed_ = false;
};

}  // namespace pgbeacon::scrape
