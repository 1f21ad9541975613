#include "exporter/ingest/logplex_delivery.h"

#include <optional>
#include <string>
#include <vector>

#include "logparse/transport/frame.h"
#include "logparse/transport/logplex.h"

namespace pgbeacon::ingest {
namespace {

struct LossRecord {
  std::string_view frame;
  std::uint64_t messages = 0;
};

std::optional<LossRecord> ReadLoss(std::string_view bytes) {
  const log::Frame frame = log::ParseFrame(bytes);
  if (frame.app != "heroku" || frame.process != "logplex") return std::nullopt;
  const std::optional<log::LogplexLoss> loss = log::ParseLogplexLoss(frame.message);
  if (!loss) return std::nullopt;
  return LossRecord{bytes, loss->messages};
}

/// The record with another number of messages.
std::string WithNumber(const LossRecord& record, std::uint64_t messages) {
  std::string frame(record.frame);
  const std::string old = " " + std::to_string(record.messages) + " messages ";
  const std::size_t at = frame.find(old);
  if (at != std::string::npos) {
    frame.replace(at, old.size(), " " + std::to_string(messages) + " messages ");
  }
  return frame;
}

/// Hands on what the records tell beyond `known` messages; how many records that took.
std::uint64_t TakeNews(const std::vector<LossRecord>& records, std::uint64_t known,
                       const std::function<void(std::string_view)>& on_frame) {
  std::uint64_t taken = 0;
  for (const LossRecord& record : records) {
    if (record.messages <= known) {
      known -= record.messages;
      continue;
    }
    const std::uint64_t news = record.messages - known;
    on_frame(known == 0 ? record.frame : WithNumber(record, news));
    known = 0;
    ++taken;
  }
  return taken;
}

}  // namespace

DeliveryCount TakeDelivery(const Delivery& delivery, FrameIds& frames, double now,
                           const std::function<void(std::string_view)>& on_frame) {
  FrameCount found;
  std::vector<LossRecord> losses;  // at the beginning
  log::LogplexBody first_pass(delivery.body);
  while (const std::optional<std::string_view> frame = first_pass.Next()) {
    if (losses.size() == found.messages) {
      if (const std::optional<LossRecord> loss = ReadLoss(*frame)) {
        losses.push_back(*loss);
        found.lost += loss->messages;
      }
    }
    ++found.messages;
  }

  DeliveryCount count;
  std::optional<FrameCount> before;
  if (!delivery.frame_id.empty()) {
    before = frames.Begin(delivery.drain, delivery.frame_id, found, now);
  }
  if (before) {
    count.retried = true;
    count.messages = TakeNews(losses, before->lost, on_frame);
    return count;
  }
  log::LogplexBody body(delivery.body);
  while (const std::optional<std::string_view> frame = body.Next()) on_frame(*frame);
  count.messages = found.messages;
  count.bad_frames = body.bad_frames();
  const std::uint64_t told = delivery.messages.value_or(found.messages);
  if (told > found.messages) count.missing = told - found.messages;
  if (told < found.messages) count.surplus = found.messages - told;
  return count;
}

void Add(DeliveryStats& stats, const DeliveryCount& count) {
  ++(count.retried ? stats.retried : stats.fresh);
  stats.missing += count.missing;
  stats.surplus += count.surplus;
}

void AppendDeliveryFamilies(const DeliveryStats& stats, const FrameIds& frames,
                            Families& families) {
  Family& taken = AddFamily(families, "pgbeacon_logplex_frames_total", MetricType::Counter,
                            "Logplex frames that came whole: new ones, and retries of frames that "
                            "had been counted already.");
  AddSample(taken, {{"result", "new"}}, static_cast<double>(stats.fresh));
  AddSample(taken, {{"result", "retried"}}, static_cast<double>(stats.retried));
  Family& mismatch =
      AddFamily(families, "pgbeacon_logplex_count_mismatch_messages_total", MetricType::Counter,
                "Messages by which frames differed from their Logplex-Msg-Count.");
  AddSample(mismatch, {{"kind", "missing"}}, static_cast<double>(stats.missing));
  AddSample(mismatch, {{"kind", "surplus"}}, static_cast<double>(stats.surplus));
  AddSample(AddFamily(families, "pgbeacon_logplex_frame_ids", MetricType::Gauge,
                      "Logplex-Frame-Ids that are remembered."),
            {}, static_cast<double>(frames.size()));
  AddSample(AddFamily(families, "pgbeacon_logplex_frame_ids_evicted_total", MetricType::Counter,
                      "Logplex-Frame-Ids forgotten before their 15 minutes for want of room."),
            {}, static_cast<double>(frames.evicted()));
}

}  // namespace pgbeacon::ingest
