// The machinery is that of TextForm, which reads what a syslog daemon wrote to a file: a frame is a
// line of it whose header is taken apart already. Where lines wait (for a prefix, for the pieces
// before them) they are kept as one text: who sent the frame, then its bytes.
#include "logparse/transport/frame_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "logparse/envelope.h"
#include "logparse/forms/text_state.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kHeadRoom = 4096;  // of a frame, above record_bytes, for header and prefix
constexpr std::size_t kMostPeer = 255;
constexpr std::size_t kMostPeers = 64;  // whose escapes are known
constexpr std::size_t kKeptCapacity = std::size_t{16} << 10;

// What the frame says, without its sender. `bare`: frames without a header are messages of their
// own and no rest of the one before.
Envelope EnvelopeOf(const Frame& frame, bool bare) {
  Envelope envelope;
  if (frame.protocol == Protocol::kNone) {
    envelope = Unwrap(frame.message);
    if (envelope.present() || !bare) return envelope;
    envelope = {};
    envelope.carrier = Carrier::kHeroku;
  } else if (NamesParty(frame)) {
    envelope.carrier = Carrier::kHeroku;
    envelope.source = frame.app;
    envelope.process = frame.process;
  } else {
    envelope.carrier = Carrier::kSyslog;
    envelope.source = frame.host;
    envelope.process = frame.app;
    envelope.pid = frame.process;
    if (frame.has_pri) envelope.level = frame.level;
  }
  envelope.time = frame.time;
  UnwrapMessage(frame.message, envelope);
  return envelope;
}

// ---- Kept lines: a byte that says `bare`, the size of the peer, the peer, the frame ----

void BeginKept(std::string_view peer, bool bare, std::string& line) {
  peer = peer.substr(0, kMostPeer);
  line.assign(1, bare ? '\1' : '\0');
  line.append(1, static_cast<char>(peer.size())).append(peer);
}

Envelope UnwrapKept(std::string_view line) {
  const std::size_t size = 2 + static_cast<unsigned char>(line[1]);
  Envelope envelope = EnvelopeOf(ParseFrame(line.substr(size)), line[0] != '\0');
  envelope.sender = line.substr(0, size);
  return envelope;
}

// The frame with its views moved to a copy of its bytes.
Frame Moved(const Frame& frame, const char* copy) {
  Frame moved = frame;
  for (std::string_view Frame::*const name :
       {&Frame::bytes, &Frame::time, &Frame::host, &Frame::app, &Frame::process, &Frame::id,
        &Frame::data, &Frame::message}) {
    std::string_view& view = moved.*name;
    if (!view.empty()) view = {copy + (view.data() - frame.bytes.data()), view.size()};
  }
  return moved;
}

ReaderOptions FrameOptions(ReaderOptions options) {
  options.form = FormKind::kSyslog;
  options.from = {};
  return options;
}

}  // namespace

struct FrameReader::State {
  State(ReaderOptions options, Sink sink)
      : most(options.record_bytes + kHeadRoom),
        text(FrameOptions(std::move(options)), stats, resume, std::move(sink)) {
    text.unwrap = UnwrapKept;
    text.held = HeldLines(UnwrapKept);
    resume.Crosses(0);
  }

  void Take(const Frame& frame, std::string_view peer, bool cut) {
    ++frames;
    stats.bytes += frame.bytes.size();
    if (frame.bytes.size() > most) {
      TakeWhole(ParseFrame(frame.bytes.substr(0, most)), peer, true);
    } else {
      TakeWhole(frame, peer, cut);
    }
    if (line.capacity() > kKeptCapacity) std::string().swap(line);
    Sum();
  }

  void TakeWhole(const Frame& frame, std::string_view peer, bool cut) {
    if (frame.protocol != Protocol::kNone) carried = true;
    BeginKept(peer, !carried, line);
    const std::size_t sender = line.size();
    line.append(frame.bytes);
    Envelope envelope = EnvelopeOf(Moved(frame, line.data() + sender), !carried);
    envelope.sender = std::string_view(line).substr(0, sender);
    if (Unescape(frame, envelope, peer)) envelope = UnwrapKept(line);
    if (envelope.present()) {
      last_sender = envelope.sender;
    } else if (last_sender != envelope.sender) {
      text.records.ForgetLast();
      text.behind = TextForm::State::Behind::kOther;
    }
    ++text.taken;
    stats.lines = frames;
    Read(envelope, cut);
  }

  void Read(Envelope& envelope, bool cut) {
    using Mode = TextForm::State::Mode;
    if (text.mode == Mode::kPrefix) {
      text.ReadEnvelope(envelope, line, cut);
    } else if (text.mode == Mode::kHold && envelope.from_server() && !IsPlatformLine(envelope)) {
      text.Hold(line, cut);
    } else {
      text.ReadLooseEnvelope(envelope, line, cut);
    }
  }

  // Relays write control characters as "#011". Whether a peer does so is shown by its frames: what
  // stands in them as it is was not escaped. Until then, only what comes over syslog from another
  // host is thought to be.
  bool Unescape(const Frame& frame, const Envelope& envelope, std::string_view peer) {
    if (frame.message.find('\t') != std::string_view::npos) {
      EscapesOf(peer) = Escapes::kRaw;
      return false;
    }
    if (frame.message.find('#') == std::string_view::npos) return false;
    Escapes& escapes = EscapesOf(peer);
    if (escapes == Escapes::kRaw) return false;
    if (envelope.chunk > 1 && envelope.rest.starts_with("#011")) escapes = Escapes::kEscaped;
    const bool relayed = envelope.carrier == Carrier::kSyslog && !peer.empty();
    std::string unescaped;
    if (!(relayed || escapes == Escapes::kEscaped) || !UnescapeSyslog(frame.message, unescaped)) {
      return false;
    }
    const std::size_t message = static_cast<std::size_t>(frame.message.data() - frame.bytes.data());
    line.resize(envelope.sender.size() + message);
    line.append(unescaped);
    return true;
  }

  enum class Escapes : std::uint8_t { kUnknown, kRaw, kEscaped };
  Escapes& EscapesOf(std::string_view peer) {
    const auto found = std::find_if(escapes.begin(), escapes.end(),
                                    [&](const auto& entry) { return entry.first == peer; });
    if (found != escapes.end()) return found->second;
    if (escapes.size() >= kMostPeers) escapes.clear();
    return escapes.emplace_back(peer, Escapes::kUnknown).second;
  }

  void Flush() {
    text.Release(0);
    ReleaseMemory();
    Sum();
  }

  void ReleaseMemory() {
    std::string().swap(line);
    text.body_heads.Clear();
    text.chunks.ReleaseMemory();
    text.numbers.ReleaseMemory();
    text.torn = text.opening = {};
  }

  void Sum() {
    stats.lines = frames;
    stats.messages = text.records.delivered();
    stats.unlabelled = text.records.unlabelled();
    stats.truncated = text.records.truncated();
  }

  const std::size_t most;
  ReaderStats stats;
  Resume resume;
  TextForm::State text;
  std::uint64_t frames = 0;
  bool carried = false;     // a frame had a header
  std::string line;         // the frame that is read, as it is kept
  std::string last_sender;  // of a frame with a header
  std::vector<std::pair<std::string, Escapes>> escapes;
};

FrameReader::FrameReader(ReaderOptions options, Sink sink)
    : state_(std::make_unique<State>(std::move(options), std::move(sink))) {}
FrameReader::~FrameReader() = default;

void FrameReader::Take(const Frame& frame, std::string_view peer, bool cut) {
  state_->Take(frame, peer, cut);
}
void FrameReader::Flush() { state_->Flush(); }

void FrameReader::Age() {
  state_->text.Age();
  state_->Sum();
}

std::size_t FrameReader::open_bytes() const {
  const TextForm::State& text = state_->text;
  return text.records.open_bytes() + text.chunks.held_bytes() + text.held.bytes();
}

bool FrameReader::SetPrefix(std::string_view log_line_prefix) {
  const bool valid = state_->text.SetPrefix(log_line_prefix);
  state_->Sum();
  return valid;
}

std::optional<std::string> FrameReader::prefix() const {
  const std::optional<Prefix>& prefix = state_->text.prefix;
  return prefix ? std::optional(prefix->text()) : std::nullopt;
}

const ReaderStats& FrameReader::stats() const { return state_->stats; }

}  // namespace pgbeacon::log
