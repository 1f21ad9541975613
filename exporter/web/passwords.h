// Passwords: users and the bcrypt hashes of their passwords. A hash takes as long as it is meant
// to, so it is computed on a thread of the pool, one at a time; who was right is remembered. Those
// who wait are served address by address, so that one who floods keeps nobody else out.
//
// Example:
//   Passwords passwords(executor, pool);
//   passwords.Set({{"prometheus", "$2y$10$..."}});
//   const auto verdict = co_await passwords.Check("prometheus:secret", "127.0.0.1:51234");
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/net/asio.h"
#include "exporter/net/blocking_pool.h"
#include "exporter/web/secret_file.h"

namespace pgbeacon::web {

/// All members are called on the executor's one thread. Outlives its checks.
class Passwords {
 public:
  static constexpr std::size_t kMostVerified = 100;
  static constexpr std::size_t kMostWaiting = 64;

  enum class Verdict : std::uint8_t {
    kRight,
    kWrong,
    kBusy,  ///< too many wait, or it took too long
  };

  using Users = std::map<std::string, std::string, std::less<>>;

  /// `pool` outlives all checks.
  Passwords(net::any_io_executor executor, net::BlockingPool& pool);
  Passwords(const Passwords&) = delete;
  Passwords& operator=(const Passwords&) = delete;

  /// Name -> bcrypt hash. Forgets who was right before.
  void Set(Users users);

  /// "user:password" from `peer`, "10.0.0.1:51234". Every user costs what the dearest costs, and so
  /// does one that there is not.
  net::awaitable<Verdict> Check(std::string login, std::string peer);

  std::size_t verified() const { return verified_.size(); }
  std::uint64_t hashed() const { return hashed_; }  ///< how often a hash was computed

 private:
  class Turn;

  Turn* Next() const;  ///< whose turn it is; null where nobody waits
  void WakeNext() const;
  bool IsVerified(const Digest& digest) const;
  void Remember(const Digest& digest);

  net::any_io_executor executor_;
  net::BlockingPool& pool_;
  Users users_;
  int dearest_ = 0;         // the greatest cost among the users'
  const std::string salt_;  // of the digests, so that memory tells nothing
  std::deque<Digest> verified_;
  bool hashing_ = false;
  std::list<Turn*> waiting_;  // in the order of their arrival
  std::uint64_t round_ = 0;   // of the last one that had its turn
  std::uint64_t hashed_ = 0;
};

}  // namespace pgbeacon::web
