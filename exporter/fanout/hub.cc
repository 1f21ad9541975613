// Two kinds of locks. State::mutex orders the lines: it is held by Add() and, for a moment, by
// those who come and go. A ring's or mailbox's own lock is held while pointers are moved in or out
// of it.
#include "exporter/fanout/hub.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "exporter/fanout/line_time.h"
#include "exporter/fanout/mailbox.h"
#include "exporter/fanout/ring.h"

namespace pgbeacon::fanout {
namespace {

/// A part of the budget is freed at once, so that the search for the largest server is rare.
constexpr std::size_t kSlack = 64;
constexpr std::size_t kStep = 16;  // how far the largest falls below the next, for the same end
constexpr std::size_t kIdleShare = 16;  // this part of the servers goes when there are too many

/// One server: its lines and those who want them.
struct Lane {
  explicit Lane(std::string_view server) : ring(server) {}

  Ring ring;
  std::vector<Mailbox*> mailboxes;
  std::uint64_t generation = 0;  // of the subscriptions that `mailboxes` was chosen from
};
using LanePtr = std::shared_ptr<Lane>;

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
using Lanes = std::unordered_map<std::string, LanePtr, Hash, std::equal_to<>>;

struct Counters {
  std::uint64_t added = 0;
  std::uint64_t slow = 0;      // lines that subscribers lost
  std::uint64_t memory = 0;    // lines that left before their server had as many as it may
  std::uint64_t too_long = 0;  // lines beyond the whole budget
};

/// Numbers go on from where no earlier run can have been.
std::uint64_t FirstNumber() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

std::uint64_t NumberOf(const EntryPtr& entry) { return entry->number; }

bool IsGlob(const std::string& text) { return text.find_first_of("*?") != std::string::npos; }

}  // namespace

struct Hub::State {
  explicit State(HubOptions options) : options(options) {}

  void Add(const Line& line) PGB_REQUIRES(mutex);
  Lane& LaneOf(std::string_view server) PGB_REQUIRES(mutex);
  const std::vector<Mailbox*>& MailboxesOf(Lane& lane) PGB_REQUIRES(mutex);
  void ForgetIdle() PGB_REQUIRES(mutex);
  void Shrink() PGB_REQUIRES(mutex);
  void DropOldest(Lane& lane) PGB_REQUIRES(mutex);
  std::vector<LanePtr> LanesFor(const Filter& filter);

  const HubOptions options;
  Mutex mutex;
  LineTime times PGB_GUARDED_BY(mutex);
  std::uint64_t number PGB_GUARDED_BY(mutex) = FirstNumber();
  Lanes lanes PGB_GUARDED_BY(mutex);
  Lane* latest PGB_GUARDED_BY(mutex) = nullptr;  // lines of one server come together
  std::size_t lines PGB_GUARDED_BY(mutex) = 0;
  std::size_t bytes PGB_GUARDED_BY(mutex) = 0;
  std::vector<Mailbox*> mailboxes PGB_GUARDED_BY(mutex);
  std::uint64_t generation PGB_GUARDED_BY(mutex) = 0;  // counts changes of `mailboxes`
  Counters counters PGB_GUARDED_BY(mutex);
};

void Hub::State::Add(const Line& line) {
  ++counters.added;
  const EntryPtr entry = MakeEntry(++number, times.Format(line.time), line);
  Lane& lane = LaneOf(line.server);
  for (Mailbox* mailbox : MailboxesOf(lane)) {
    if (mailbox->filter.TakesOfServer(*entry)) counters.slow += mailbox->Put(entry);
  }
  if (entry->bytes() > options.bytes) {
    ++counters.too_long;
    return;
  }
  const std::size_t before = lane.ring.bytes();
  if (!lane.ring.Push(entry, options.lines_per_server)) ++lines;
  bytes += lane.ring.bytes() - before;  // may wrap, and back again
  if (bytes > options.bytes) Shrink();
}

Lane& Hub::State::LaneOf(std::string_view server) {
  if (latest != nullptr && latest->ring.server() == server) return *latest;
  auto found = lanes.find(server);
  if (found == lanes.end()) {
    if (lanes.size() >= options.servers) ForgetIdle();
    found = lanes.emplace(server, std::make_shared<Lane>(server)).first;
  }
  latest = found->second.get();
  return *latest;
}

const std::vector<Mailbox*>& Hub::State::MailboxesOf(Lane& lane) {
  if (lane.generation != generation) {
    lane.generation = generation;
    lane.mailboxes.clear();
    for (Mailbox* mailbox : mailboxes) {
      if (mailbox->filter.TakesServer(lane.ring.server())) lane.mailboxes.push_back(mailbox);
    }
  }
  return lane.mailboxes;
}

void Hub::State::DropOldest(Lane& lane) {
  const std::size_t before = lane.ring.bytes();
  if (!lane.ring.DropOldest()) return;
  bytes -= before - lane.ring.bytes();
  --lines;
  ++counters.memory;
}

void Hub::State::ForgetIdle() {
  std::vector<LanePtr> idle;
  for (const auto& [name, lane] : lanes) idle.push_back(lane);
  const auto end = idle.begin() + static_cast<std::ptrdiff_t>(idle.size() / kIdleShare);
  std::ranges::nth_element(idle, end, {}, [](const LanePtr& lane) { return lane->ring.newest(); });
  idle.erase(end + 1, idle.end());
  for (const LanePtr& lane : idle) {
    while (lane->ring.bytes() > 0) DropOldest(*lane);
    lanes.erase(lane->ring.server());
  }
  latest = nullptr;
}

void Hub::State::Shrink() {
  std::vector<std::pair<std::size_t, Lane*>> heap;  // by bytes
  heap.reserve(lanes.size());
  for (const auto& [name, lane] : lanes) heap.emplace_back(lane->ring.bytes(), lane.get());
  std::ranges::make_heap(heap);
  const std::size_t goal = options.bytes - options.bytes / kSlack;
  while (bytes > goal) {
    std::ranges::pop_heap(heap);
    auto& [size, largest] = heap.back();
    const std::size_t next = heap.size() > 1 ? heap.front().first : 0;
    const std::size_t enough = next - next / kStep;
    do {
      DropOldest(*largest);
    } while (bytes > goal && largest->ring.bytes() > enough);
    size = largest->ring.bytes();
    std::ranges::push_heap(heap);
  }
}

std::vector<LanePtr> Hub::State::LanesFor(const Filter& filter) {
  std::vector<LanePtr> found;
  const bool named = !filter.servers.empty() && std::ranges::none_of(filter.servers, IsGlob);
  {
    const MutexLock lock(mutex);
    if (named) {
      for (const std::string& name : filter.servers) {
        const auto lane = lanes.find(name);
        if (lane != lanes.end()) found.push_back(lane->second);
      }
    } else {
      found.reserve(lanes.size());
      for (const auto& [name, lane] : lanes) found.push_back(lane);
    }
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::erase_if(
      found, [&filter](const LanePtr& lane) { return !filter.TakesServer(lane->ring.server()); });
  return found;
}

Hub::Hub(HubOptions options) : state_(std::make_shared<State>(options)) {}

Hub::~Hub() = default;

void Hub::Add(const Line& line) {
  State& state = *state_;
  const MutexLock lock(state.mutex);
  state.Add(line);
}

std::vector<EntryPtr> Hub::Last(const Filter& filter, std::size_t most, std::uint64_t after,
                                std::uint64_t up_to) const {
  std::vector<EntryPtr> last;
  if (most == 0) return last;
  for (const LanePtr& lane : state_->LanesFor(filter)) {
    std::vector<EntryPtr> copy = lane->ring.Copy();
    std::size_t taken = 0;
    for (auto entry = copy.rbegin(); entry != copy.rend() && taken < most; ++entry) {
      if ((*entry)->number <= after) break;
      if ((*entry)->number > up_to || !filter.TakesOfServer(**entry)) continue;
      last.push_back(std::move(*entry));
      ++taken;
    }
    if (last.size() < 2 * most) continue;
    const auto keep = last.begin() + static_cast<std::ptrdiff_t>(most);
    std::ranges::nth_element(last, keep, std::ranges::greater(), NumberOf);
    last.erase(keep, last.end());
  }
  std::ranges::sort(last, {}, NumberOf);
  if (last.size() > most) last.erase(last.begin(), last.end() - static_cast<std::ptrdiff_t>(most));
  return last;
}

std::unique_ptr<Subscription> Hub::Subscribe(Filter filter, SubscriptionLimits limits,
                                             std::function<void()> on_news) {
  class Member : public Subscription {
   public:
    Member(std::shared_ptr<State> state, Filter filter, SubscriptionLimits limits,
           std::function<void()> on_news)
        : state_(std::move(state)), mailbox_(std::move(filter), limits, std::move(on_news)) {
      const MutexLock lock(state_->mutex);
      begins_after_ = state_->number;
      state_->mailboxes.push_back(&mailbox_);
      ++state_->generation;
    }
    ~Member() override {
      const MutexLock lock(state_->mutex);
      std::erase(state_->mailboxes, &mailbox_);
      ++state_->generation;
    }
    Batch Take(std::size_t most) override { return mailbox_.Take(most); }
    std::uint64_t begins_after() const override { return begins_after_; }

   private:
    std::shared_ptr<State> state_;
    Mailbox mailbox_;
    std::uint64_t begins_after_ = 0;
  };
  return std::make_unique<Member>(state_, std::move(filter), limits, std::move(on_news));
}

void Hub::AppendFamilies(Families& families) const {
  State& state = *state_;
  const MutexLock lock(state.mutex);
  const auto add = [&families](const char* name, MetricType type, const char* help, double value) {
    AddSample(AddFamily(families, name, type, help), {}, value);
  };
  add("pgbeacon_fanout_lines_total", MetricType::Counter, "Lines offered to subscribers.",
      static_cast<double>(state.counters.added));
  add("pgbeacon_fanout_lines", MetricType::Gauge, "Lines held in memory for subscribers.",
      static_cast<double>(state.lines));
  add("pgbeacon_fanout_bytes", MetricType::Gauge, "Memory that these lines take.",
      static_cast<double>(state.bytes));
  add("pgbeacon_fanout_servers", MetricType::Gauge, "Servers whose lines are held.",
      static_cast<double>(state.lanes.size()));
  add("pgbeacon_fanout_subscribers", MetricType::Gauge, "Subscribers that are connected.",
      static_cast<double>(state.mailboxes.size()));
  Family& dropped =
      AddFamily(families, "pgbeacon_fanout_dropped_lines_total", MetricType::Counter,
                "Lines that a subscriber did not read in time, that left the memory early for want "
                "of room, or that were too long to be held.");
  AddSample(dropped, {{"reason", "subscriber_slow"}}, static_cast<double>(state.counters.slow));
  AddSample(dropped, {{"reason", "memory"}}, static_cast<double>(state.counters.memory));
  AddSample(dropped, {{"reason", "too_long"}}, static_cast<double>(state.counters.too_long));
}

}  // namespace pgbeacon::fanout
