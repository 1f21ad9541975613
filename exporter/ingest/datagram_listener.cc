#include "exporter/ingest/datagram_listener.h"

#include <linux/sock_diag.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace pgbeacon::ingest {
namespace {

constexpr std::size_t kUdpBatch = 64;
constexpr std::size_t kUdpBytes = std::size_t{64} << 10;  // the most that UDP has is 65,507
constexpr std::size_t kUnixBatch = 16;
constexpr std::size_t kUnixBytes = std::size_t{256} << 10;  // above Linux' net.core.wmem_default
constexpr int kBatchesPerTurn = 16;
// At the end of the run: more than any receive buffer holds.
constexpr int kLastBatches = 1 << 16;

/// What a buffer of the asked size counts as in the kernel, which doubles it.
constexpr int kKernelShare = 2;

/// Without the octet count that logger --octet-count writes in front of datagrams as well. What
/// is not about as long as it says is no count.
std::string_view WithoutCount(std::string_view frame, bool cut) {
  constexpr std::size_t kMostDigits = 6;  // of a datagram's size
  constexpr std::size_t kNear = 16;       // a line feed, or characters instead of bytes
  const std::size_t blank = frame.substr(0, kMostDigits + 1).find(' ');
  if (blank == std::string_view::npos || frame.substr(blank + 1, 1) != "<") return frame;
  const std::optional<std::int64_t> told = ParseInt(frame.substr(0, blank));
  if (!told || *told <= 0) return frame;
  const auto count = static_cast<std::size_t>(*told);
  const std::size_t size = frame.size() - blank - 1;
  const bool fits = count + kNear >= size && (cut || count <= size + kNear);
  return fits ? frame.substr(blank + 1) : frame;
}

}  // namespace

Result<std::unique_ptr<Listener>> DatagramListener::Open(SyslogListenerOptions options,
                                                         FrameSink& sink, ListenersShared& shared) {
  Result<Bound> bound = Bind(options);
  if (!bound.ok()) return bound.error();
  return std::unique_ptr<Listener>(new DatagramListener(
      std::move(options), sink, shared, std::move(bound->socket), std::move(bound->file)));
}

DatagramListener::DatagramListener(SyslogListenerOptions options, FrameSink& sink,
                                   ListenersShared& shared, net::Descriptor socket,
                                   std::optional<net::UnixSocket> file)
    : options_(std::move(options)),
      address_(file ? options_.address : net::LocalName(socket.get())),
      sink_(sink),
      shared_(shared),
      socket_(shared.executor, socket.Release()),
      file_(std::move(file)) {
  const bool udp = options_.kind == ListenerKind::kUdp;
  const std::size_t batch = udp ? kUdpBatch : kUnixBatch;
  const std::size_t bytes = udp ? kUdpBytes : kUnixBytes;
  shared_.GrowBuffer(batch * bytes);
  messages_.resize(batch);
  places_.resize(batch);
  senders_.resize(batch);
  for (std::size_t i = 0; i < batch; ++i) {
    places_[i].iov_len = bytes;
    messages_[i].msg_hdr.msg_iov = &places_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &senders_[i];
  }
  status_.source = options_.name;
  status_.kind = options_.kind;
  AskForBuffer();
}

void DatagramListener::AskForBuffer() {
  const int socket = socket_.native_handle();
  const int wanted = static_cast<int>(std::min<std::size_t>(
      options_.receive_buffer, std::numeric_limits<int>::max() / kKernelShare));
  // The first needs CAP_NET_ADMIN, the second is held to net.core.rmem_max.
  if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  }
  int given = 0;
  socklen_t size = sizeof given;
  getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &given, &size);
  status_.receive_buffer = static_cast<std::size_t>(given / kKernelShare);
  // Senders to a unix socket wait for room, nothing gets lost.
  if (given / kKernelShare < wanted && options_.kind == ListenerKind::kUdp) {
    spdlog::warn(
        "source={}: the kernel gave a receive buffer of {} bytes instead of {}; bursts may be lost "
        "(pgbeacon_source_dropped_lines_total{{reason=\"kernel\"}}): sysctl -w "
        "net.core.rmem_max={}",
        options_.name, given / kKernelShare, wanted, wanted);
  }
}

void DatagramListener::Start() {
  *running_ = true;
  Wait();
}

void DatagramListener::Stop() {
  if (!socket_.is_open()) return;
  if (std::exchange(*running_, false)) Read(kLastBatches);
  TellKernelDrops();
  net::error_code ignored;
  socket_.close(ignored);
  file_.reset();
}

void DatagramListener::Tick(TimePoint) {
  if (std::exchange(failing_, false)) Wait();
  TellKernelDrops();
}

void DatagramListener::Wait() {
  socket_.async_wait(net::asio::posix::stream_descriptor::wait_read,
                     [this, running = running_](const net::error_code& error) {
                       if (error || !*running) return;
                       Read(kBatchesPerTurn);
                       if (!failing_) Wait();
                     });
}

bool DatagramListener::Read(int batches) {
  for (int i = 0; i < batches; ++i) {
    for (std::size_t k = 0; k < messages_.size(); ++k) {
      places_[k].iov_base = shared_.buffer.get() + k * places_[k].iov_len;
      messages_[k].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    }
    const int got = recvmmsg(socket_.native_handle(), messages_.data(),
                             static_cast<unsigned>(messages_.size()), MSG_DONTWAIT, nullptr);
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
      spdlog::error("source={}: cannot receive error=\"{}\"; trying on", options_.name,
                    std::system_category().message(errno));
      failing_ = true;  // up to the next tick
    }
    if (got <= 0) return true;
    for (int k = 0; k < got; ++k) Take(messages_[static_cast<std::size_t>(k)]);
    if (static_cast<std::size_t>(got) < messages_.size()) return true;
  }
  return false;
}

void DatagramListener::Take(const mmsghdr& message) {
  const auto* bytes = static_cast<const char*>(message.msg_hdr.msg_iov->iov_base);
  const bool cut = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
  const std::string_view frame = WithoutCount({bytes, message.msg_len}, cut);
  if (frame.empty()) {
    sink_.CountBadFrames(1);
    return;
  }
  sink_.TakeFrame(frame.substr(0, options_.most_frame), PeerOf(message),
                  cut || frame.size() > options_.most_frame);
}

/// Most datagrams come from the sender that the last one came from.
std::string_view DatagramListener::PeerOf(const mmsghdr& message) {
  if (options_.kind == ListenerKind::kUnix) return {};
  const auto& sender = *static_cast<const sockaddr_storage*>(message.msg_hdr.msg_name);
  const std::size_t size = message.msg_hdr.msg_namelen;
  if (std::memcmp(&sender, &last_sender_, size) != 0) {
    std::memcpy(&last_sender_, &sender, size);
    last_peer_ = net::HostOf(sender);
  }
  return last_peer_;
}

/// The kernel counts from the socket's birth and wraps around.
void DatagramListener::TellKernelDrops() {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (!socket_.is_open() ||
      getsockopt(socket_.native_handle(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) {
    return;
  }
  const std::uint32_t drops = memory[SK_MEMINFO_DROPS] - kernel_drops_;
  if (drops == 0) return;
  if (kernel_drops_ == 0) {
    spdlog::warn("source={}: the kernel dropped {} datagrams, its receive buffer was full",
                 options_.name, drops);
  }
  kernel_drops_ = memory[SK_MEMINFO_DROPS];
  sink_.CountKernelDrops(drops);
}

}  // namespace pgbeacon::ingest
