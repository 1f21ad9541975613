// TakeDelivery: the messages of one Logplex delivery that are to be counted, and what it tells of
// messages that never came.
//
// Example:
//   const auto take = [&](std::string_view frame) { source.TakeFrameOf(delivery.server, frame); };
//   const DeliveryCount count = TakeDelivery(delivery, frame_ids, UnixNow(), take);
//   source.CountBadFrames(count.bad_frames);
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/families.h"
#include "exporter/ingest/delivery.h"
#include "exporter/ingest/frame_ids.h"
#include "exporter/ingest/source_status.h"

namespace pgbeacon::ingest {

struct DeliveryCount {
  bool retried = false;          ///< counted before: only news of losses were handed on
  std::uint64_t messages = 0;    ///< handed on
  std::uint64_t bad_frames = 0;  ///< octet counts that did not fit
  std::uint64_t missing = 0;     ///< fewer came than Logplex-Msg-Count says (reason count_mismatch)
  std::uint64_t surplus = 0;     ///< more came
};

/// `on_frame` gets each message to be counted, header included, for as long as the call lasts.
///
/// A frame that was counted before is not counted again; but losses may have been noticed since,
/// which Logplex puts in front of it (Error L10). Of these what is new is handed on: the whole
/// record, or one with the number by which it has grown.
DeliveryCount TakeDelivery(const Delivery& delivery, FrameIds& frames, double now,
                           const std::function<void(std::string_view frame)>& on_frame);

void Add(DeliveryStats& stats, const DeliveryCount& count);

/// pgbeacon_logplex_frames_total and its kin.
void AppendDeliveryFamilies(const DeliveryStats& stats, const FrameIds& frames, Families& families);

}  // namespace pgbeacon::ingest
