// The only place that includes Boost.Asio. Everything in here runs on the one I/O thread unless its
// header says otherwise.
//
// g++ 12.2 miscompiles some co_await expressions: co_await stands alone on the right of one
// declaration or assignment, or as a statement, and its arguments are names, scalars or constructor
// calls of non-aggregates (tests/checks/coroutines.py refuses the rest).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pgbeacon::net {

namespace asio = boost::asio;
using asio::any_io_executor;
using asio::awaitable;
using boost::system::error_code;

/// Completion token: the awaitable yields (error_code, values...) instead of throwing.
inline constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

}  // namespace pgbeacon::net
