#include "logparse/events/pattern.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "logparse/events/field_type.h"

namespace pgbeacon::log {
namespace {

// What each hole took, "-" where it is absent; {"no match"} if the message is not of the wording.
std::vector<std::string> Take(const std::string& text, const std::string& message) {
  const Result<Pattern> pattern = Pattern::Compile(text);
  if (!pattern.ok()) return {pattern.error().message};
  std::array<std::string_view, 32> captures;
  if (!pattern->Match(message, captures.data())) return {"no match"};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pattern->holes().size(); ++i) {
    out.push_back(captures[i].data() == nullptr ? "-" : std::string(captures[i]));
  }
  return out;
}

std::string CompileError(const std::string& text) {
  const Result<Pattern> pattern = Pattern::Compile(text);
  return pattern.ok() ? "" : pattern.error().message;
}

using Fields = std::vector<std::string>;

TEST(Pattern, TakesTypedHoles) {
  EXPECT_EQ(Take("duration: {d:ms} ms  statement:", "duration: 63.697 ms  statement: SELECT 1"),
            Fields{"63.697"});
  EXPECT_EQ(Take("pid {p:int} of {w:word}, {t:text} done", "pid -5 of a.b, x y done"),
            (Fields{"-5", "a.b", "x y"}));
  EXPECT_EQ(Take("time {t:clock} user", "time 100:59:59.999 user"), Fields{"100:59:59.999"});
  EXPECT_EQ(Take("time {t:clock} user", "time 1:5:59 user"), Fields{"no match"});
}

TEST(Pattern, TakesOneOrMoreBlanksForARunOfBlanks) {
  EXPECT_EQ(Take("a  {n:int} b", "a 1 b"), Fields{"1"});
  EXPECT_EQ(Take("a {n:int} b", "a   1    b"), Fields{"1"});
  EXPECT_EQ(Take("a {n:int} b", "a1 b"), Fields{"no match"});
}

TEST(Pattern, MatchesAPrefixUnlessClosedByADollar) {
  EXPECT_EQ(Take("duration: {d:ms} ms", "duration: 1.5 ms and more"), Fields{"1.5"});
  EXPECT_EQ(Take("duration: {d:ms} ms$", "duration: 1.5 ms and more"), Fields{"no match"});
  EXPECT_EQ(Take("duration: {d:ms} ms$", "duration: 1.5 ms \n"), Fields{"1.5"});
}

TEST(Pattern, TakesOptionalPartsWhereTheyStand) {
  const std::string text = "user={u:text} db={d:text}[ app={a:text}][ SSL ({s:word})]$";
  EXPECT_EQ(Take(text, "user=a b db=c"), (Fields{"a b", "c", "-", "-"}));
  EXPECT_EQ(Take(text, "user=a db=c app=x y SSL (v3)"), (Fields{"a", "c", "x y", "v3"}));
  EXPECT_EQ(Take(text, "user=a db=c SSL (v3)"), (Fields{"a", "c", "-", "v3"}));
  EXPECT_EQ(Take("start:[ force{f:flag}][ wait{w:flag}]", "start: wait"), (Fields{"-", ""}));
}

TEST(Pattern, LooksForALaterEndOfATextHole) {
  EXPECT_EQ(Take("({f:text}:{n:int})", "(C:/a:7)"), (Fields{"C:/a", "7"}));
  EXPECT_EQ(Take("on {a:text} on {b:text} after {n:int} ms", "on x on y after z after 3 ms"),
            (Fields{"x", "y after z", "3"}));
}

TEST(Pattern, EscapesWithABackslash) {
  EXPECT_EQ(Take(R"(a \[x\] \{y\} {n:int}\$)", "a [x] {y} 4$"), Fields{"4"});
}

TEST(Pattern, IsLinearOnHostileMessages) {
  std::string message = "process 1 still waiting for ";
  for (int i = 0; i < 200'000; ++i) message += "L on L after 1 ";
  EXPECT_EQ(
      Take("process {p:int} still waiting for {m:text} on {o:text} after {w:ms} ms {x:text} end",
           message),
      Fields{"no match"});
}

TEST(Pattern, IsLinearOnLongRunsOfBlanks) {
  const std::string message = "user=a name=" + std::string(1'000'000, ' ') + "SSx (PIDy";
  for (const char* text :
       {"user={u:text} name={n:text}[ SSL={s:word}][ GSS={g:word}]$", "{p:text} (PID {n:int})",
        "user={u:text} SSL", "{f:text} SS{n:int}", "{f:text}[ SS{n:int}] was"}) {
    EXPECT_EQ(Take(text, message)[0].substr(0, 3), std::string(text).ends_with('$') ? "a" : "no ")
        << text;
  }
}

TEST(Pattern, TakesTextUpToTheFirstOfSeveralBlanks) {
  EXPECT_EQ(Take("{p:text} (PID {n:int})", "a (PIDx   (PID 7)"), (Fields{"a (PIDx", "7"}));
  EXPECT_EQ(Take("x {p:text} (PID {n:int})", "x (PID   (PID 7)"), (Fields{"(PID", "7"}));
}

TEST(Pattern, RefusesAmbiguousOrBrokenTexts) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"a {b", "'{' without '}' (write '\\{' for the byte)"},
      {"a }", "'}' without '{' (write '\\}' for the byte)"},
      {"a [b", "'[' without ']' (write '\\[' for the byte)"},
      {"a ]", "']' without '[' (write '\\]' for the byte)"},
      {"a [b [c]]", "an optional part inside of another"},
      {"a \\", "ends with a lone '\\'"},
      {"{b}", "bad hole {b}: expected {name:type}"},
      {"{B:int}", "bad hole {B:int}: a name is of a-z, 0-9 and '_'"},
      {"{a:int} {a:int}", "two holes are named 'a'"},
      {"{a:int}5", "hole {a}: what follows could be part of the number"},
      {"{a:ms}.", "hole {a_seconds}: what follows could be part of the number"},
      {"{a:word}{b:text} c", "hole {a}: a word must be followed by literal text"},
      {"{a:text}{b:text} c", "hole {a}: a text must be followed by literal text"},
      {"{a:text}[ b]", "hole {a}: a text before optional parts at the end needs a closing '$'"},
      {"a [ b] c", "blanks on both sides of '[' or ']'"},
  };
  for (const auto& c : cases) EXPECT_EQ(CompileError(c.text), c.error) << c.text;
  EXPECT_TRUE(CompileError("{a:seconds}")
                  .starts_with("bad hole {a:seconds}: unknown type 'seconds'; known are int, "));
}

TEST(FieldNumber, GivesBaseUnitsRoundedOnce) {
  const struct {
    const char* type;
    const char* text;
    double expected;
  } cases[] = {
      {"ms", "63.697", 0.063697},
      {"us", "5", 5e-6},
      {"kb", "10240", 10485760},
      {"mb", "1.5", 1572864},
      {"percent", "0.3", 0.003},
      {"clock", "0:00:10.033", 10.033},
      {"clock", "100:00:01", 360001},
      {"int", "-7", -7},
      {"bytes", "1075741736", 1075741736},
      {"float", "12345678901234567890", 12345678901234567890.0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(FieldNumber(*FindFieldType(c.type), c.text), c.expected) << c.type << " " << c.text;
  }
}

}  // namespace
}  // namespace pgbeacon::log
