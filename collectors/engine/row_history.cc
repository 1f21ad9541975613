#include "collectors/engine/row_history.h"

#include <utility>

namespace pgbeacon::collectors {

RowHistory::Change RowHistory::Take(const std::string& key, Values values, std::string since,
                                    const std::string& group) {
  const auto [place, added] = sources_.try_emplace(key);
  Source& source = place->second;
  const bool anew = added || Began(source, values, since);
  Group* const shown = group.empty() ? nullptr : &GroupOf(group, values.size());
  if (!added && anew) Lose(source);
  if (shown != nullptr && !anew && !source.group.empty()) ++shown->survivors;
  Change change;
  change.added = added;
  change.increase = values;
  for (std::size_t i = 0; i < values.size() && !anew; ++i) change.increase[i] -= source.values[i];
  source.values = std::move(values);
  source.since = std::move(since);
  source.group = group;
  source.run = run_;
  return change;
}

std::unordered_map<std::string, RowHistory::Values> RowHistory::End() {
  std::erase_if(sources_, [this](const auto& entry) {
    if (entry.second.run == run_) return false;
    Lose(entry.second);
    return true;
  });
  std::erase_if(groups_, [this](const auto& entry) { return entry.second.run != run_; });
  std::unordered_map<std::string, Values> carries;
  for (auto& [name, group] : groups_) {
    const bool goes_on = group.shown_before && group.survivors > 0;
    bool any = false;
    for (std::size_t i = 0; i < group.carry.size(); ++i) {
      group.carry[i] = goes_on ? group.carry[i] + group.lost[i] : 0;
      any |= group.carry[i] > 0;
    }
    if (any) carries.emplace(name, group.carry);
  }
  return carries;
}

bool RowHistory::Began(const Source& source, const Values& values, const std::string& since) {
  if (source.since != since) return true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < source.values[i]) return true;
  }
  return false;
}

RowHistory::Group& RowHistory::GroupOf(const std::string& name, std::size_t counters) {
  Group& group = groups_[name];
  if (group.run == run_) return group;
  group.shown_before = group.run != 0;
  group.survivors = 0;
  group.carry.resize(counters);
  group.lost.assign(counters, 0);
  group.run = run_;
  return group;
}

/// The series of the source's group would fall by what the source had.
void RowHistory::Lose(const Source& source) {
  const auto group = groups_.find(source.group);
  if (group == groups_.end() || group->second.run != run_) return;
  for (std::size_t i = 0; i < source.values.size(); ++i) {
    group->second.lost[i] += source.values[i];
  }
}

}  // namespace pgbeacon::collectors
