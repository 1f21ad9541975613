// Patroni: what its REST API tells of one member and of the cluster. Names are those that Patroni's
// own /metrics has for the same value; what it gives as 0 for "unknown" is no sample here.
//
// Example:
//   Patroni decoder;
//   const Status read = decoder.AddMember(body_of_get_patroni);
//   decoder.AddCluster(body_of_get_cluster);
//   decoder.AddConfig(body_of_get_config);
//   Families families = decoder.Take(UnixNow());
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collectors/native/sheet.h"

namespace pgbeacon::collectors {

class Patroni {
 public:
  /// GET /patroni. An Error where the text is not what Patroni answers.
  Status AddMember(std::string_view text);
  /// GET /cluster.
  Status AddCluster(std::string_view text);
  /// GET /config.
  Status AddConfig(std::string_view text);

  /// Ages are at `now`. May be called again.
  Families Take(double now, std::size_t& dropped) const;

  /// Other members of the cluster at most.
  static constexpr std::size_t kMostMembers = 1000;

 private:
  struct Value {
    const Metric* metric;
    double value;
  };
  struct Member {
    std::string name, role, state, host;
    std::optional<double> lag, timeline, pending_restart;
  };

  void Add(const Metric& metric, std::optional<double> value) {
    if (value) values_.push_back({&metric, *value});
  }

  std::string scope_;
  std::string name_;  ///< of this member, where Patroni tells it
  std::string version_;
  std::optional<double> dcs_last_seen_;
  std::vector<Value> values_;
  std::optional<std::vector<Member>> members_;
};

/// patroni_up.
Families PatroniUp(bool up);

}  // namespace pgbeacon::collectors
