// RowHistory: what the counters of an answer's rows were at the run before. It tells how much each
// row has counted since, and keeps the sum of several rows from falling when one of them goes.
//
// Example:
//   history.Begin();
//   for (...) rest += history.Take(key, values, since, group).increase;
//   for (const auto& [group, carry] : history.End()) ...   // to be added to what the group shows
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace pgbeacon::collectors {

class RowHistory {
 public:
  using Values = std::vector<double>;  ///< of a row's counters; a NULL is 0

  struct Change {
    bool added = false;  ///< the row was not there at the run before
    Values increase;     ///< since then; everything where the row's counters began anew
  };

  void Begin() { ++run_; }

  /// The row with this key, once in a run. `since` changes when its counters begin anew. `group` is
  /// the series that shows it together with others; empty where none does.
  Change Take(const std::string& key, Values values, std::string since, const std::string& group);

  /// Forgets the rows that were not taken. Returns what rows that are gone had counted, by groups
  /// that go on without them; a group whose rows all began anew begins anew.
  std::unordered_map<std::string, Values> End();

 private:
  struct Source {
    Values values;
    std::string since;
    std::string group;
    std::uint64_t run = 0;
  };
  struct Group {
    Values carry;
    Values lost;  ///< in this run
    bool shown_before = false;
    std::size_t survivors = 0;  ///< rows that go on from the run before
    std::uint64_t run = 0;
  };

  static bool Began(const Source& source, const Values& values, const std::string& since);
  Group& GroupOf(const std::string& name, std::size_t counters);
  void Lose(const Source& source);

  std::unordered_map<std::string, Source> sources_;
  std::unordered_map<std::string, Group> groups_;
  std::uint64_t run_ = 0;
};

}  // namespace pgbeacon::collectors
