// What the login may do that pgbeacon has no use for.
//
// Example:
//   if (const std::string excess = ExcessOf(facts); !excess.empty()) Warn("the login " + excess);
#pragma once

#include <string>

#include "collectors/engine/facts.h"

namespace pgbeacon::scrape {

/// "is a superuser", or what comes close to one: before PostgreSQL 16 who has CREATEROLE can give
/// itself every role but a superuser's, pg_execute_server_program included. Empty: nothing.
inline std::string ExcessOf(const collectors::ServerFacts& facts) {
  if (facts.superuser) return "is a superuser";
  if (facts.create_role) return "has CREATEROLE";
  return {};
}

}  // namespace pgbeacon::scrape
