// What counts as written while pgbeacon ran, wherever it comes from.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "ingest_support.h"

namespace pgbeacon::ingest {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

double Fatal(Driven& driven) {
  return driven.Source("pg_log_messages_total", {{"severity", "FATAL"}});
}
double LiveFatal(Driven& driven) {
  return driven.Source("pgbeacon_log_live_messages_total", {{"sign", "FATAL"}});
}

TEST(Live, IsNoOldRecordOfAFileThatAppearsLater) {
  TempFolder folder;
  Driven driven({From(folder / "*.log")});
  driven.Run();
  Append(folder / "1.log", FatalOf(hours(50)) + FatalOf(hours(2)));
  Append(folder / "2.log", FatalOf(hours(2)) + FatalOf(minutes(1)));
  driven.Run();
  driven.Run();
  EXPECT_EQ(Fatal(driven), 4);
  EXPECT_EQ(LiveFatal(driven), 1);
}

TEST(Live, IsNoMessageThatASendersQueueHeldForLong) {
  Driven driven({});
  driven.pipeline().AcceptDeliveries({.name = "logplex"});
  driven.Run();
  for (const auto ago : {hours(2), hours(0)}) {
    const std::string message = "<134>1 " + Ago(ago, "%Y-%m-%dT%H:%M:%S+00:00") +
                                " host app postgres.4711 - [GOLD] [8-1] FATAL:  nobody knows\n";
    Delivery delivery;
    delivery.server = "orders";
    delivery.messages = 1;
    delivery.body = std::to_string(message.size()) + " " + message;
    driven.pipeline().Deliver(std::move(delivery), [](Taken) {});
    driven.Run(FrameSource::kIdleFlush);
  }
  driven.Run(FrameSource::kIdleFlush);  // what was flushed last is committed
  driven.pipeline().Collect();          // of a server that is new it shows zeros
  EXPECT_EQ(Fatal(driven), 2);
  EXPECT_EQ(LiveFatal(driven), 1);
}

}  // namespace
}  // namespace pgbeacon::ingest
