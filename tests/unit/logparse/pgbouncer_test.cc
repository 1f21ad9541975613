#include "logparse/forms/pgbouncer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "logparse/forms/pgbouncer_line.h"
#include "logparse/forms/text.h"

namespace pgbeacon::log {
namespace {

using Strings = std::vector<std::string>;

std::string Show(const Message& m) {
  std::string out(SideName(m.side));
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.append(" ").append(name).append("=").append(value);
  };
  add("severity", SeverityName(m.severity));
  add("pid", m.pid);
  add("user", m.user);
  add("database", m.database);
  add("text", m.text);
  if (!m.labelled) out += " unlabelled";
  return out;
}

template <class AnyForm>
Strings Read(std::string_view log, ReaderStats* stats = nullptr) {
  Strings messages;
  AnyForm form({}, [&](const Message& m) { messages.push_back(Show(m)); });
  form.Push(log);
  form.Flush(true);
  if (stats != nullptr) *stats = form.stats();
  return messages;
}

TEST(PgbouncerForm, ReadsItsLogOfAllReleases) {
  const struct {
    std::string_view line, expected;
  } cases[] = {
      {"2023-12-19 03:06:37.241 CET [10384] LOG C-0x55d0c8f0e8a0: shop/app@10.0.0.7:51234 closing "
       "because: client close request (age=12s)",
       "pooler severity=LOG pid=10384 user=app database=shop text=closing because: client close "
       "request (age=12s)"},
      {"2013-05-20 11:23:45.123 10384 LOG S-0xb8f2e0: shop/app@unix(4711):6432 new connection to "
       "server",
       "pooler severity=LOG pid=10384 user=app database=shop text=new connection to server"},
      {"2023-12-19 03:06:37.241 UTC [1] WARNING C-0x1: (nodb)/(nouser)@[::1]:5 pooler error: x",
       "pooler severity=WARNING pid=1 text=pooler error: x"},
      {"2023-12-19 03:06:37.241 +03 [1] ERROR S-0x1: db/u@host.example.org:5432 no",
       "pooler severity=ERROR pid=1 user=u database=db text=no"},
      {"2023-12-19 03:06:37.241 UTC [1] FATAL unix socket is in use",
       "pooler severity=FATAL pid=1 text=unix socket is in use"},
      {"2023-12-19 03:06:37.241 UTC [1] NOISE tick", "pooler severity=DEBUG pid=1 text=tick"},
      {"2023-12-19 03:06:37.241 UTC [1] DEBUG C-0x1: peer-2@10.0.0.1:6432 hi",
       "pooler severity=DEBUG pid=1 text=hi"},
      {"2023-12-19 03:06:37.241 UTC [1] LOG C-0x1: my db/bob the great@example.org@10.0.0.7:5 hi",
       "pooler severity=LOG pid=1 user=bob the great@example.org database=my db text=hi"},
      {"2023-12-19 03:06:37.241 UTC [1] LOG C-0x1: db/x@1.2.3.4:5 y@10.0.0.7:6 closing because: z",
       "pooler severity=LOG pid=1 user=x@1.2.3.4:5 y database=db text=closing because: z"},
      {"2023-12-19 03:06:37.241 UTC [1] LOG C-0x1: (nodb)/(nouser)@10.0.0.7:5 login attempt: db=a "
       "user=x@1.2.3.4:5 tls=no",
       "pooler severity=LOG pid=1 text=login attempt: db=a user=x@1.2.3.4:5 tls=no"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Read<PgbouncerForm>(c.line), Strings{std::string(c.expected)}) << c.line;
  }
}

TEST(PgbouncerForm, JoinsNamesWithLineFeedsInsteadOfBelievingThem) {
  const std::string head = "2023-12-19 03:06:37.241 UTC [1] ";
  ReaderStats stats;
  EXPECT_EQ(Read<PgbouncerForm>(head + "LOG C-0x1: shop/x\n" + head +
                                    "FATAL forged@10.0.0.7:5 closing because: y\n" + head +
                                    "LOG C-0x2: shop/bob@10.0.0.7:5 hi\n",
                                &stats),
            (Strings{"pooler severity=LOG pid=1 user=x\n" + head +
                         "FATAL forged database=shop text=closing because: y",
                     "pooler severity=LOG pid=1 user=bob database=shop text=hi"}));
  EXPECT_EQ(stats.lines, 3U);
}

TEST(PgbouncerForm, JoinsOrCountsLinesWithoutAHead) {
  ReaderStats stats;
  EXPECT_EQ(Read<PgbouncerForm>("stray\n2023-12-19 03:06:37.241 UTC [1] LOG a\nb\n\n", &stats),
            Strings{"pooler severity=LOG pid=1 text=a\nb"});
  EXPECT_EQ(stats.unparsed[static_cast<std::size_t>(Unparsed::kNoPrefix)], 1U);
}

TEST(PgbouncerForm, LosesNoLineBehindASocketWithoutAnAddress) {
  const std::string head = "2023-12-19 03:06:37.241 UTC [1] ";
  std::string log = head + "LOG C-0x1: a/b\n";
  for (int i = 0; i < 40; ++i) log += head + "LOG line " + std::to_string(i) + "\n";
  EXPECT_EQ(Read<PgbouncerForm>(log).size(), 41U);
}

TEST(TextForm, KnowsPgbouncerInTheStreamsOfOthers) {
  EXPECT_EQ(Read<TextForm>("2026-11-20T20:14:23+00:00 app[heroku-pgbouncer]: 2023-12-19 "
                           "03:06:37.241 UTC [1] WARNING C-0x1: shop/app@10.0.0.7:5 pooler error: "
                           "x\n"),
            Strings{"pooler severity=WARNING pid=1 user=app database=shop text=pooler error: x"});
  EXPECT_EQ(Read<TextForm>("<28>Nov 20 20:14:23 db1 pgbouncer[12]: C-0x1: shop/app@10.0.0.7:5 "
                           "pooler error: x\n"),
            Strings{"pooler severity=WARNING pid=12 user=app database=shop text=pooler error: x"});
}

}  // namespace
}  // namespace pgbeacon::log
