// PostgreSQL's names of SQLSTATEs (logparse/conditions.yml), from which drivers make the names of
// their exceptions.
//
// Example:
//   SqlstateOfException("UndefinedTable");       // "42P01" (psycopg, Ruby's pg)
//   SqlstateOfException("UndefinedTableError");  // "42P01" (asyncpg)
#pragma once

#include <string_view>

namespace pgbeacon::log {

/// The SQLSTATE that an exception class is named after; "" if none. Lives as long as the program.
std::string_view SqlstateOfException(std::string_view name);

}  // namespace pgbeacon::log
