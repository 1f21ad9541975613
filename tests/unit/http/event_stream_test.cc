#include "exporter/http/event_stream.h"

#include <gtest/gtest.h>

#include <string>

namespace pgbeacon::http {
namespace {

std::string Read(std::string_view bytes, std::size_t step) {
  EventStream events;
  std::string seen;
  const auto show = [&seen](const Event& event) { seen += event.id + "=" + event.data + "|"; };
  for (std::size_t at = 0; at < bytes.size(); at += step) events.Feed(bytes.substr(at, step), show);
  return seen;
}

TEST(EventStream, GivesEventsHoweverTheBytesAreSplit) {
  constexpr std::string_view kBytes =
      ":\n\nid: 1\ndata: one\n\n: beat\nid:2\r\ndata:two\r\ndata:  lines\r\n\r\nevent: "
      "x\n\ndata\n\n"
      "id: 3\ndata: not finished";
  for (std::size_t step = 1; step <= kBytes.size(); ++step) {
    EXPECT_EQ(Read(kBytes, step), "1=one|2=two\n lines|=|") << step;
  }
}

}  // namespace
}  // namespace pgbeacon::http
