// Every `text` of the catalogue is what PostgreSQL prints: compared with its own message catalogue,
// in a committed extract and, where PostgreSQL 15 is installed, with the catalogue itself.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::log {
namespace {

constexpr int kMajor = 15;
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

std::vector<std::string> UnknownTexts(const std::vector<std::string>& msgids) {
  const Result<Catalogue> catalogue = Catalogue::Builtin();
  std::vector<std::string> unknown;
  for (const EventRow& row : catalogue->rows()) {
    if (row.side != Side::kServer || !InRange(row.versions, kMajor)) continue;
    for (const std::string& text : row.texts) {
      bool found = false;
      for (const std::string& form : Forms(text)) {
        for (const std::string& msgid : msgids) found = found || Begins(form, msgid);
      }
      if (!found) unknown.push_back(row.where + ": " + text);
    }
  }
  return unknown;
}

std::vector<std::string> Committed() {
  std::ifstream file(PGB_SOURCE_DIR "/tests/data/postgres-15-msgids.txt");
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) {
    // `%%` is one percent sign in the message.
    for (std::size_t at = 0; (at = line.find("%%", at)) != std::string::npos; ++at)
      line.erase(at, 1);
    for (std::size_t at = 0; (at = line.find("\\n", at)) != std::string::npos; ++at) {
      line.replace(at, 2, "\n");
    }
    out.push_back(OneBlank(line));
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
  const std::vector<std::string> msgids = Committed();
  ASSERT_GT(msgids.size(), 100U);
  EXPECT_EQ(UnknownTexts(msgids), std::vector<std::string>())
      << "a typo, or tests/data/make_msgids.py has not been run since the row was added";
}

TEST(EventWordings, NoticeATypo) {
  std::vector<std::string> msgids = {"sorry, too many client already"};
  EXPECT_FALSE(Begins(Forms("sorry, too many clients already")[0], msgids[0]));
  EXPECT_TRUE(Begins(Forms("too many connections for role \"{role:text}\"")[0],
                     "too many connections for role \"%s\""));
}

TEST(EventWordings, StandInTheInstalledCatalogueOfPostgres15) {
  if (!std::ifstream(kMo).good() || std::system("command -v msgunfmt >/dev/null") != 0) {
    GTEST_SKIP() << "PostgreSQL 15's message catalogue or msgunfmt is not installed";
  }
  const std::string po = Output(std::string("msgunfmt --no-wrap ") + kMo);
  std::vector<std::string> msgids;
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
  EXPECT_EQ(UnknownTexts(msgids), std::vector<std::string>());
}

}  // namespace
}  // namespace pgbeacon::log
