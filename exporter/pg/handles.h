// Owners of libpq's handles.
#pragma once

#include <libpq-fe.h>

#include <memory>

namespace pgbeacon::pg {

struct ConnFree {
  void operator()(PGconn* conn) const noexcept { PQfinish(conn); }
};
struct ResultFree {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
struct CancelFree {
  void operator()(PGcancel* cancel) const noexcept { PQfreeCancel(cancel); }
};
struct OptionsFree {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

using PgConn = std::unique_ptr<PGconn, ConnFree>;
using PgResult = std::unique_ptr<PGresult, ResultFree>;
using PgCancel = std::unique_ptr<PGcancel, CancelFree>;
using PgOptions = std::unique_ptr<PQconninfoOption, OptionsFree>;

}  // namespace pgbeacon::pg
