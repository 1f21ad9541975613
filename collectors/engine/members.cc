#include "collectors/engine/members.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace pgbeacon::collectors {
namespace {

constexpr int kPatience = 3;      // runs
constexpr double kClearly = 1.1;  // an outsider's rank over a member's

using Value = std::pair<const std::string, Ranked>;

/// Greatest rank first; equal ranks by text, so that the choice does not depend on any order.
bool Before(const Value* a, const Value* b) {
  if (a->second.rank != b->second.rank) return a->second.rank > b->second.rank;
  return a->first < b->first;
}

void Join(Value& value, Members& members) {
  members.emplace(value.first, 0);
  value.second.member = value.second.joined = true;
}

void Leave(Value& value, Members& members) {
  members.erase(value.first);
  value.second.member = false;
}

}  // namespace

void ChooseMembers(std::size_t keep, std::unordered_map<std::string, Ranked>& ranked,
                   Members& members) {
  for (auto& [text, away] : members) {
    const auto value = ranked.find(text);
    away = value == ranked.end() ? away + 1 : 0;
    if (value != ranked.end()) value->second.member = true;
  }
  std::erase_if(members, [](const auto& member) { return member.second > kPatience; });
  std::vector<Value*> inside;
  std::vector<Value*> outside;
  for (Value& value : ranked) (value.second.member ? inside : outside).push_back(&value);
  std::ranges::sort(inside, Before);
  const std::size_t candidates = std::min(keep, outside.size());
  std::partial_sort(outside.begin(), outside.begin() + static_cast<std::ptrdiff_t>(candidates),
                    outside.end(), Before);
  outside.resize(candidates);
  while (members.size() > keep && !inside.empty()) {
    Leave(*inside.back(), members);
    inside.pop_back();
  }
  auto next = outside.begin();
  while (members.size() < keep && next != outside.end()) Join(**next++, members);
  while (next != outside.end() && !inside.empty() &&
         (*next)->second.rank > kClearly * std::max(inside.back()->second.rank, 0.0)) {
    Leave(*inside.back(), members);
    inside.pop_back();
    Join(**next++, members);
  }
}

}  // namespace pgbeacon::collectors
