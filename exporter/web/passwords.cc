#include "exporter/web/passwords.h"

#include <arpa/inet.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <utility>

#include "exporter/config/web_config.h"

namespace pgbeacon::web {
namespace {

constexpr std::size_t kSaltBytes = 32;
constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kNetworkBytes = 8;  // of an IPv6 address

std::string RandomBytes() {
  std::string bytes(kSaltBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), kSaltBytes) != 1) {
    throw std::bad_alloc();  // the only failure that is left
  }
  return bytes;
}

/// A hash of that cost that no password has.
std::string NobodysHash(int cost) {
  return (cost < 10 ? "$2b$0" : "$2b$") + std::to_string(cost) + "$" + std::string(53, '.');
}

/// On a thread of the pool: takes as long as the hash's cost says.
bool Matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool same = made != nullptr && std::string_view(made).size() == hash.size() &&
                    CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(data.get(), sizeof *data);
  return same;
}

/// Matches() that takes as long as a hash of the cost `dearest`, whatever the hash's own is: each
/// cost doubles the time, so one hash of every cost between them makes up for the difference.
bool MatchesAtCost(const std::string& password, const std::string& hash, int dearest) {
  const bool same = Matches(password, hash);
  const int own = config::BcryptCost(hash).value_or(dearest);
  for (int cost = own; cost < dearest; ++cost) Matches(password, NobodysHash(cost));
  return same;
}

/// Who shares a place in the queue: an IPv4 address, the network of an IPv6 address (its owner has
/// all of the lower 64 bits), or the users of a Unix socket.
std::string AddressOf(const std::string& peer) {
  const std::string host = peer.substr(0, peer.rfind(':'));
  in6_addr address{};
  const bool bracketed = host.size() > 2 && host.front() == '[';
  if (!bracketed || inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) != 1) {
    return host;
  }
  return std::string(reinterpret_cast<const char*>(address.s6_addr), kNetworkBytes);
}

}  // namespace

/// The turn to compute a hash. Turns are had in rounds, one of each address in each of them; where
/// too many wait, the one of the latest round gives way.
class Passwords::Turn {
 public:
  Turn(Passwords& passwords, std::string address)
      : passwords_(passwords), address_(std::move(address)), timer_(passwords.executor_) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    Leave();
    if (mine_) passwords_.hashing_ = false;
    passwords_.WakeNext();
  }

  /// False where there are too many before, or it takes too long.
  net::awaitable<bool> Wait() {
    if (!Enter()) co_return false;
    timer_.expires_after(kPatience);
    bool in_time = true;
    while (in_time && waits_ && !First()) {
      const auto [error] = co_await timer_.async_wait(net::kNoThrow);
      in_time = !!error;
    }
    if (!waits_ || !First()) co_return false;
    Leave();
    passwords_.round_ = round_;
    passwords_.hashing_ = true;
    mine_ = true;
    co_return true;
  }

  std::uint64_t round() const { return round_; }
  void Wake() { timer_.cancel(); }

 private:
  bool First() const { return !passwords_.hashing_ && passwords_.Next() == this; }

  bool Enter() {
    std::list<Turn*>& waiting = passwords_.waiting_;
    round_ = passwords_.round_;
    for (const Turn* other : waiting) {
      if (other->address_ == address_) round_ = std::max(round_, other->round_);
    }
    ++round_;
    if (waiting.size() >= kMostWaiting) {
      Turn* latest = *std::ranges::max_element(waiting, {}, &Turn::round);
      if (latest->round_ <= round_) return false;
      latest->Leave();
      latest->Wake();
    }
    waiting.push_back(this);
    waits_ = true;
    return true;
  }

  void Leave() {
    if (waits_) std::erase(passwords_.waiting_, this);
    waits_ = false;
  }

  Passwords& passwords_;
  const std::string address_;
  net::asio::steady_timer timer_;
  std::uint64_t round_ = 0;
  bool waits_ = false;
  bool mine_ = false;
};

Passwords::Turn* Passwords::Next() const {
  const auto next = std::ranges::min_element(waiting_, {}, &Turn::round);
  return next == waiting_.end() ? nullptr : *next;
}

void Passwords::WakeNext() const {
  if (Turn* next = hashing_ ? nullptr : Next()) next->Wake();
}

Passwords::Passwords(net::any_io_executor executor, net::BlockingPool& pool)
    : executor_(std::move(executor)), pool_(pool), salt_(RandomBytes()) {}

void Passwords::Set(Users users) {
  users_ = std::move(users);
  dearest_ = 0;
  for (const auto& [name, hash] : users_) {
    dearest_ = std::max(dearest_, config::BcryptCost(hash).value_or(0));
  }
  verified_.clear();
}

bool Passwords::IsVerified(const Digest& digest) const {
  return std::ranges::any_of(verified_, [&digest](const Digest& known) {
    return CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0;
  });
}

void Passwords::Remember(const Digest& digest) {
  if (IsVerified(digest)) return;
  if (verified_.size() >= kMostVerified) verified_.pop_front();
  verified_.push_back(digest);
}

net::awaitable<Passwords::Verdict> Passwords::Check(std::string login, std::string peer) {
  const std::size_t colon = login.find(':');
  // bcrypt takes a password up to its first NUL: the rest would not count.
  if (colon == std::string::npos || login.find('\0') != std::string::npos) {
    co_return Verdict::kWrong;
  }
  const auto user = users_.find(std::string_view(login).substr(0, colon));
  const bool known = user != users_.end();
  const std::string hash = known ? user->second : NobodysHash(dearest_);
  const Digest digest = DigestOf(salt_ + hash + login);
  if (known && IsVerified(digest)) co_return Verdict::kRight;
  Turn turn(*this, AddressOf(peer));
  const bool mine = co_await turn.Wait();
  if (!mine) co_return Verdict::kBusy;
  // Whoever was before may have had the same password.
  if (known && IsVerified(digest)) co_return Verdict::kRight;
  ++hashed_;
  auto work = [password = login.substr(colon + 1), hash, dearest = dearest_] {
    return MatchesAtCost(password, hash, dearest);
  };
  const bool right = co_await pool_.Run(std::move(work));
  if (!right || !known) co_return Verdict::kWrong;
  Remember(digest);
  co_return Verdict::kRight;
}

}  // namespace pgbeacon::web
