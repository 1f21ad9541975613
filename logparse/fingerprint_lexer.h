// The lexical rules of PostgreSQL's SQL, as far as fingerprints need them.
//
// Example:
//   SqlLexer lexer("SELECT 1");
//   for (SqlToken token = lexer.Next(); token.kind != SqlToken::Kind::kEnd; token = lexer.Next())
//   ...
#pragma once

#include <cstdint>
#include <string_view>

namespace pgbeacon::log {

/// Two tokens are the same for a fingerprint when kind and id are equal.
struct SqlToken {
  enum class Kind : std::uint8_t {
    kEnd,       ///< none
    kLiteral,   ///< number, string, parameter; also a lone "?"
    kWord,      ///< keyword or unquoted identifier; its id ignores case
    kQuoted,    ///< quoted identifier
    kOperator,  ///< run of operator characters
    kMark,      ///< any other character, or "::"
  };
  Kind kind = Kind::kEnd;
  bool spaced = false;    ///< white space or a comment stands before it
  std::uint64_t id = 0;   ///< of a kMark and a one-character kOperator its character
  std::string_view text;  ///< as it stands in the statement
};

/// The id of a word of up to eight lower-case letters.
consteval std::uint64_t WordId(std::string_view word) {
  std::uint64_t id = 0;
  for (std::size_t i = word.size(); i-- > 0;) id = id << 8 | static_cast<unsigned char>(word[i]);
  return id;
}

inline constexpr std::uint64_t kCastId = WordId("::");

/// Never fails: an unterminated string, identifier or comment ends with the statement. Takes time
/// linear in the statement's length.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view sql) : at_(sql.data()), end_(sql.data() + sql.size()) {}

  /// False at the end.
  bool Next(SqlToken& token);

 private:
  bool SkipBlanks();
  void SkipLine();
  void SkipComment();
  void Word(SqlToken& token);
  void Operator(SqlToken& token);
  void Dollar(SqlToken& token);
  void Mark(SqlToken& token, int bytes);
  void Literal(SqlToken& token, const char* end);
  void Set(SqlToken& token, SqlToken::Kind kind, const char* end);
  const char* StringEnd(const char* quote, bool escapes) const;
  const char* NumberEnd() const;
  bool At(const char* at, char c) const { return at < end_ && *at == c; }

  const char* at_;
  const char* end_;
};

/// A hash of all bytes.
std::uint64_t HashBytes(std::string_view bytes);

/// A good hash of a hash and one more value.
inline std::uint64_t MixHash(std::uint64_t hash, std::uint64_t value) {
  __extension__ using Wide = unsigned __int128;
  const Wide product =
      static_cast<Wide>(hash ^ 0x9E3779B97F4A7C15U) * (value ^ 0xD6E8FEB86659FD93U);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace pgbeacon::log
