// Every wording of the catalogue is what PostgreSQL prints: compared with the message texts of the
// majors 13 to 18 in committed extracts (tests/data/make_msgids.py) and, where PostgreSQL 15 is
// installed, with its own message catalogue.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "catalogue_support.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::log {
namespace {

constexpr int kMajors[] = {13, 14, 15, 16, 17, 18};
constexpr char kHole = '\x01';
constexpr const char* kMo = "/usr/share/locale/de/LC_MESSAGES/postgres-15.mo";

std::string OneBlank(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

bool InRange(const std::string& versions, int major) {
  for (const std::string& part : Split(versions, ' ')) {
    const std::size_t digits = part.find_first_of("0123456789");
    const std::string op = part.substr(0, digits);
    const int bound = std::atoi(part.c_str() + digits);
    const bool ok = op == ">="   ? major >= bound
                    : op == "<=" ? major <= bound
                    : op == ">"  ? major > bound
                    : op == "<"  ? major < bound
                                 : major == bound;
    if (!ok) return false;
  }
  return true;
}

// The forms of a text with each optional part there or not, a hole being one byte.
std::vector<std::string> Forms(std::string_view text) {
  std::vector<std::string> forms = {""};
  std::vector<std::string> without;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      const std::string_view hole = text.substr(i, text.find('}', i) - i);
      i += hole.size();
      if (hole.ends_with(":flag")) continue;
      for (std::string& form : forms) form += kHole;
    } else if (text[i] == '[') {
      without = forms;
    } else if (text[i] == ']') {
      forms.insert(forms.end(), without.begin(), without.end());
    } else if (text[i] != '$' || i + 1 < text.size()) {
      if (text[i] == '\\') ++i;
      for (std::string& form : forms) form += text[i];
    }
  }
  for (std::string& form : forms) form = OneBlank(form);
  return forms;
}

// Whether the msgid begins as the form says; a hole takes one byte or more.
bool Begins(std::string_view form, std::string_view msgid) {
  while (!form.empty() && form[0] != kHole) {
    if (msgid.empty() || msgid[0] != form[0]) return form == " ";
    form.remove_prefix(1);
    msgid.remove_prefix(1);
  }
  if (form.empty()) return true;
  form.remove_prefix(1);
  for (std::size_t taken = 1; taken <= msgid.size(); ++taken) {
    if (Begins(form, msgid.substr(taken))) return true;
  }
  return false;
}

using Texts = std::vector<std::string>;

bool Prints(const Texts& msgids, std::string_view text) {
  for (const std::string& form : Forms(text)) {
    for (const std::string& msgid : msgids) {
      if (Begins(form, msgid)) return true;
    }
  }
  return false;
}

// Wordings of the key `text` that are not of PostgreSQL 15.
Texts UnknownTexts(const Texts& msgids) {
  Texts unknown;
  for (const EventRow& row : Builtin().rows()) {
    if (row.side != Side::kServer || !InRange(row.versions, 15)) continue;
    for (const std::string& text : row.texts) {
      if (!Prints(msgids, text)) unknown.push_back(row.where + ": " + text);
    }
  }
  return unknown;
}

Texts Committed(int major) {
  std::ifstream file(std::string(PGB_SOURCE_DIR "/tests/data/postgres-") + std::to_string(major) +
                     "-msgids.txt");
  Texts out;
  for (std::string line; std::getline(file, line);) {
    for (std::size_t at = 0; (at = line.find("\\n", at)) != std::string::npos; ++at) {
      line.replace(at, 2, "\n");
    }
    out.push_back(line);
  }
  return out;
}

// The texts from which the server puts messages of a row together, by row.
std::map<std::string, Texts> Composed() {
  std::ifstream file(PGB_SOURCE_DIR "/tests/data/composed-wordings.txt");
  std::map<std::string, Texts> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const Texts parts = Split(line, '\t');
    out[parts[0]] = Texts(parts.begin() + 1, parts.end());
  }
  return out;
}

std::string Output(const std::string& command) {
  std::string out;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 4096> block;
  while (pipe) {
    const std::size_t got = std::fread(block.data(), 1, block.size(), pipe.get());
    if (got == 0) break;
    out.append(block.data(), got);
  }
  return out;
}

TEST(EventWordings, StandInThePinnedTextsOfPostgres15) {
  const Texts msgids = Committed(15);
  ASSERT_GT(msgids.size(), 600U);
  EXPECT_EQ(UnknownTexts(msgids), Texts())
      << "a typo, or tests/data/make_msgids.py has not been run since the row was added";
}

TEST(EventWordings, AreAmongThoseOfEveryMajorThatPrintsTheRow) {
  const std::map<std::string, Texts> composed = Composed();
  for (const int major : kMajors) {
    const Texts msgids = Committed(major);
    ASSERT_GT(msgids.size(), 600U) << major;
    const auto prints = [&](const std::string& text) { return Prints(msgids, text); };
    Texts unproved;
    for (const EventRow& row : Builtin().rows()) {
      if (row.side != Side::kServer || row.catch_all || !InRange(row.versions, major)) continue;
      const auto pieces = composed.find(row.name);
      if (pieces != composed.end() && pieces->second == Texts{"-"} && major != 15) continue;
      const bool proved = std::ranges::any_of(row.texts, prints) ||
                          std::ranges::any_of(row.also, prints) ||
                          (pieces != composed.end() && std::ranges::all_of(pieces->second, prints));
      if (!proved) unproved.push_back(row.where + ": " + row.name);
    }
    EXPECT_EQ(unproved, Texts()) << "PostgreSQL " << major << " does not print these rows";
  }
}

TEST(EventWordings, OfFurtherLinesAreEachPrintedBySomeMajor) {
  const std::map<std::string, Texts> composed = Composed();
  std::vector<Texts> msgids;
  for (const int major : kMajors) msgids.push_back(Committed(major));
  int lines = 0;
  for (const EventRow& row : Builtin().rows()) {
    const auto pieces = composed.find(row.name);
    for (const std::string& line : row.lines) {
      ++lines;
      const bool printed =
          std::ranges::any_of(msgids, [&](const Texts& texts) { return Prints(texts, line); });
      const bool begins = pieces != composed.end() &&
                          std::ranges::any_of(pieces->second, [&](const std::string& piece) {
                            return line.starts_with(piece.substr(0, piece.find('{')));
                          });
      EXPECT_TRUE(printed || begins) << row.where << ": " << line;
    }
  }
  EXPECT_GT(lines, 20);
}

TEST(EventWordings, OfNoMajorAreListedWithTheirPieces) {
  for (const auto& [name, pieces] : Composed()) {
    EXPECT_TRUE(std::ranges::find(Builtin().rows(), name, &EventRow::name) !=
                Builtin().rows().end())
        << name;
    EXPECT_FALSE(pieces.empty()) << name;
  }
}

TEST(EventWordings, NoticeATypo) {
  const Texts msgids = {"sorry, too many client already"};
  EXPECT_FALSE(Begins(Forms("sorry, too many clients already")[0], msgids[0]));
  EXPECT_TRUE(Begins(Forms("too many connections for role \"{role:text}\"")[0],
                     "too many connections for role \"%s\""));
}

TEST(EventWordings, StandInTheInstalledCatalogueOfPostgres15) {
  if (!std::ifstream(kMo).good() || std::system("command -v msgunfmt >/dev/null") != 0) {
    GTEST_SKIP() << "PostgreSQL 15's message catalogue or msgunfmt is not installed";
  }
  const std::string po = Output(std::string("msgunfmt --no-wrap ") + kMo);
  Texts msgids;
  for (const std::string& line : Split(po, '\n')) {
    if (!line.starts_with("msgid")) continue;
    const std::size_t open = line.find('"');
    std::string text;
    for (std::size_t i = open + 1; i + 1 < line.size(); ++i) {
      if (line[i] == '%' && line[i + 1] == '%') continue;
      if (line[i] == '\\') ++i;
      text += line[i];
    }
    msgids.push_back(OneBlank(text));
  }
  ASSERT_GT(msgids.size(), 5000U);
  EXPECT_EQ(UnknownTexts(msgids), Texts());
}

TEST(Sqlstates, AreThoseOfTheInstalledServers) {
  int installed = 0;
  for (const int major : kMajors) {
    const std::string number = std::to_string(major);
    const std::string matrix = PGB_SOURCE_DIR "/build/tools/postgres-" + number;
    for (const std::string& path : {"/usr/share/postgresql/" + number + "/errcodes.txt",
                                    matrix + "/share/postgresql/errcodes.txt"}) {
      std::ifstream file(path);
      installed += file.good() ? 1 : 0;
      for (std::string line; std::getline(file, line);) {
        const std::string code = line.substr(0, line.find(' '));
        if (code.size() != 5 || code.find_first_of("#:") != std::string::npos) continue;
        EXPECT_TRUE(Builtin().KnownSqlstate(code)) << path << ": " << line;
      }
    }
  }
  if (installed == 0) GTEST_SKIP() << "no server's errcodes.txt is installed";
}

}  // namespace
}  // namespace pgbeacon::log
