#include "logparse/fingerprint.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace pgbeacon::log {
namespace {

TEST(Fingerprint, NormalizesStatements) {
  const struct {
    const char* sql;
    const char* normalized;
  } cases[] = {
      {"", ""},
      {"SELECT 1", "select ?"},
      {"  SELECT\n\t1 ;; ", "select ?"},
      {"SELECT * FROM Users WHERE id = $1", "select * from users where id = ?"},
      {"select 'it''s', E'it\\'s', B'01', x'fF', N'n', U&'\\0041', $$a'b$$, $tag$ $$ $tag$",
       "select ?, ?, ?, ?, ?, ?, ?, ?"},
      {"select 1.5, .5, 1., 1e10, 1.5E-3, 0xFF, 1_000", "select ?, ?, ?, ?, ?, ?, ?"},
      {"select 'a\\' || b", "select ? || b"},
      {"select a -- rest\n+ 1 /* in /* nested */ comment */ from t", "select a + ? from t"},
      {"select -1, +2, - 3, a-1, a - -1, (-1), 2*-3 from t where x=-1 and -y < - 'z'",
       "select ?, ?, ?, a - ?, a - ?, (?), ? * ? from t where x = ? and - y < ?"},
      {"select a[1], a[-1], f(x)-1", "select a[?], a[?], f(x) - ?"},
      {"select \"Mixed Case\".\"a\"\"b\", MiXed FROM \"T\"",
       "select \"Mixed Case\".\"a\"\"b\", mixed from \"T\""},
      {"select '5'::INT, 5::text::bytea, cast(5 as int)",
       "select ?::int, ?::text::bytea, cast(? as int)"},
      {"select x->>'a', y @> '{}', z ? 'k', z ?| array['a','b'], a<=b",
       "select x ->> ?, y @> ?, z ? ?, z ?| array[?], a <= b"},
      {"select * from t where a IN (1, 2,3) and b in ('x'::text, 'y'::text) and c IN (5)",
       "select * from t where a in (?) and b in (?::text) and c in (?)"},
      {"select * from t where (a, b) in ((1,2),(3,4))", "select * from t where (a, b) in ((?))"},
      {"select * from t where a in (select b, b from c where d in (1,2))",
       "select * from t where a in (select b, b from c where d in (?))"},
      {"select f(1, 2), count(*) from t limit 10 offset 5",
       "select f(?, ?), count(*) from t limit ? offset ?"},
      {"insert into t (a, b) values (1, 'x'), (2, 'y'), (3, 'z') returning id",
       "insert into t (a, b) values (?) returning id"},
      {"insert into t values ($1, now(), $2, $3)", "insert into t values (?, now(), ?)"},
      {"insert into t values (1, now(), 2, 3), (1, now(), 4)",
       "insert into t values (?, now(), ?)"},
      {"insert into t values (1, now()), (2, default), (3, default)",
       "insert into t values (?, now()), (?, default)"},
      {"select a from t; select b from t;", "select a from t; select b from t"},
      {"select 1and 2", "select ? and ?"},
      {"select a$b, $1, $ from t", "select a$b, ?, $ from t"},
      {"select 'unterminated", "select ?"},
      {"select \"unterminated", "select \"unterminated"},
      {"select $a$ unterminated", "select ?"},
      {"select /* unterminated", "select"},
      {"select E'\\", "select ?"},
      {"select * from t where a in (1, 2,", "select * from t where a in (?,"},
      {"select array[1,2], array[[1,2],[3,4]]", "select array[?], array[[?]]"},
      {"SELECT \xC3\xA9t\xC3\xA9 FROM d\xC3\xA9j\xC3\xA0",
       "select \xC3\xA9t\xC3\xA9 from d\xC3\xA9j\xC3\xA0"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(NormalizeStatement(c.sql), c.normalized);
    EXPECT_EQ(Fingerprint(c.normalized), Fingerprint(c.sql)) << c.sql;
  }
}

TEST(Fingerprint, IsOneForStatementsThatDifferInConstantsOnly) {
  const std::vector<std::vector<const char*>> groups = {
      {"SELECT * FROM t WHERE id = 1", "select *\nfrom T\nwhere ID=$1;",
       "select * from t where id=-5", "select*from t where id='x' -- controller:users",
       "/* c */ SELECT * FROM t WHERE id = 0x1F"},
      {"SELECT * FROM t WHERE id IN (1)", "select * from t where id in (1,2,3)",
       "select * from t where id in ( $1 , $2 )"},
      {"INSERT INTO t(a,b) VALUES (1,2)", "insert into t (a, b) values ($1,$2),($3,$4),($5,$6)"},
      {"SELECT * FROM t WHERE id::int = 1"},
      {"SELECT * FROM \"t\" WHERE id = 1"},
      {"SELECT * FROM \"T\" WHERE id = 1"},
      {"SELECT * FROM t WHERE id <> 1"},
      {"SELECT * FROM t WHERE idx = 1"},
      {"SELECT * FROM t WHERE a_very_long_column_name_1 = 1"},
      {"SELECT * FROM t WHERE a_very_long_column_name_2 = 1",
       "SELECT * FROM t WHERE A_VERY_LONG_COLUMN_NAME_2 = 2"},
      {"SELECT f(1)"},
      {"SELECT f(1, 2)", "SELECT F(3, 4)"},
      {"SELECT a FROM t"},
      {"SELECT a, a FROM t"},
  };
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const char* sql : groups[i]) {
      EXPECT_EQ(Fingerprint(sql), Fingerprint(groups[i][0])) << sql;
      for (std::size_t j = 0; j < i; ++j) {
        EXPECT_NE(Fingerprint(sql), Fingerprint(groups[j][0])) << sql << "\n" << groups[j][0];
      }
    }
  }
}

TEST(Fingerprint, ClosesListsThatItsLimitCuts) {
  const auto insert = [](int rows) {
    std::string sql = "insert into t (a, b, c) values (1, now(), 'x')";
    for (int i = 1; i < rows; ++i) sql += ", (" + std::to_string(i) + ", now(), 'some text')";
    return sql;
  };
  const auto select = [](int items) {
    std::string sql = "select * from t where id in (1";
    for (int i = 1; i < items; ++i) sql += ", " + std::to_string(i);
    return sql + ")";
  };
  for (int more = 0; more < 30; ++more) {
    EXPECT_EQ(Fingerprint(insert(20'000 + more)), Fingerprint(insert(1)));
    EXPECT_EQ(Fingerprint(std::string(static_cast<std::size_t>(more), ' ') + select(20'000)),
              Fingerprint(select(1)));
  }
}

TEST(Fingerprint, IsThatOfItsNormalizedStatement) {
  const char* const parts[] = {"select", "in (", "values (", ")",   ",",  "1",   "-",   "+",
                               "'a'",    "$1",   "\"q\"",    "?",   ".",  "::",  ":",   ";",
                               "array[", "]",    "now()",    "/*",  "*/", "--",  "\n",  " ",
                               "$$",     "e'",   "'",        "t",   "[",  "(",   "*",   "<",
                               "?|",     "\"",   "0x",       "1e5", "u&", "$a$", "\xff"};
  std::mt19937 random(11);
  for (int i = 0; i < 200'000; ++i) {
    std::string sql;
    for (unsigned n = random() % 24; n > 0; --n) sql += parts[random() % std::size(parts)];
    const std::string text = NormalizeStatement(sql);
    ASSERT_EQ(Fingerprint(text), Fingerprint(sql)) << sql << "\n" << text;
    ASSERT_EQ(NormalizeStatement(text), text) << sql;
  }
}

TEST(Fingerprint, HasANameOfSixteenDigits) {
  EXPECT_EQ(FingerprintName(0), "0000000000000000");
  EXPECT_EQ(FingerprintName(0xfedcba9876543210U), "fedcba9876543210");
}

}  // namespace
}  // namespace pgbeacon::log
