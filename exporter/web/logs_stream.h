// LogsStream: the body of a response of /logs: the last lines, and those that follow.
//
// Example:
//   response.stream = std::make_shared<LogsStream>(executor, hub, query, LogsStream::Limits());
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "exporter/fanout/hub.h"
#include "exporter/http/message.h"
#include "exporter/net/asio.h"
#include "exporter/web/logs_query.h"

namespace pgbeacon::web {

/// Lives on the executor's thread.
class LogsStream : public http::BodySource {
 public:
  struct Limits {
    fanout::SubscriptionLimits waiting;
    std::size_t last_bytes = std::size_t{8} << 20;  ///< of the last lines; the newest are kept
    std::chrono::milliseconds heartbeat = std::chrono::seconds(15);  ///< of event streams
  };

  /// `query.filter` with what the client may see. `after`: the number of the last line that it has
  /// seen already; all that follow are asked for then, whatever query.num is. 0: none.
  LogsStream(net::any_io_executor executor, fanout::Hub& hub, LogsQuery query, std::uint64_t after,
             Limits limits);

  net::awaitable<std::string> Next() override;
  void End() override;

 private:
  struct Wake;

  void TakeLast(fanout::Hub& hub, std::uint64_t after);
  std::string NextOfLast();
  std::string NextOfTail();
  void Append(const fanout::Entry& entry, std::size_t skip, std::string& out) const;
  void AppendDropped(std::uint64_t lines, std::int64_t since_unix, std::string& out) const;

  const LogsQuery query_;
  const Limits limits_;
  std::shared_ptr<Wake> wake_;
  std::unique_ptr<fanout::Subscription> subscription_;
  std::deque<fanout::EntryPtr> last_;
  std::size_t skip_ = 0;  // lines of the first of them that are not asked for
  std::uint64_t left_out_ = 0;
  bool ended_ = false;
};

}  // namespace pgbeacon::web
