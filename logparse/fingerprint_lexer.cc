#include "logparse/fingerprint_lexer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace pgbeacon::log {
namespace {

enum Class : std::uint8_t {
  kOther,
  kBlank,
  kLetter,
  kDigit,
  kDot,
  kQuote,
  kDoubleQuote,
  kDollar,
  kSign,  // may be part of an operator
};

constexpr std::string_view kOperatorChars = "+-*/<>=~!@#%^&|`?";

constexpr std::array<Class, 256> kClasses = [] {
  std::array<Class, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    classes[static_cast<std::size_t>(c)] = letter                                 ? kLetter
                                           : c >= '0' && c <= '9'                 ? kDigit
                                           : c == ' ' || (c >= '\t' && c <= '\r') ? kBlank
                                                                                  : kOther;
  }
  for (const char c : kOperatorChars) classes[static_cast<unsigned char>(c)] = kSign;
  classes['.'] = kDot;
  classes['\''] = kQuote;
  classes['"'] = kDoubleQuote;
  classes['$'] = kDollar;
  return classes;
}();

Class ClassOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }
bool IsDigit(char c) { return ClassOf(c) == kDigit; }
bool IsWordPart(char c) {
  const Class of = ClassOf(c);
  return of == kLetter || of == kDigit;
}

/// Eight bytes, the ASCII letters among them in lower case. '_' becomes DEL, which no word holds.
std::uint64_t Fold(std::uint64_t bytes) { return bytes | ((~bytes & 0x8080808080808080U) >> 2); }

std::uint64_t Load(const char* at, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}

/// Up to eight bytes of what ends at `end`, the rest zero.
std::uint64_t LoadPart(const char* at, std::size_t bytes, const char* end) {
  if (end - at < 8) return Load(at, bytes);
  return Load(at, 8) & (~std::uint64_t{0} >> (8 * (8 - bytes)));
}

/// Equal for equal texts, and distinct for texts of up to eight bytes. What the text lies in ends
/// at `end`.
template <bool kFold>
std::uint64_t IdOf(std::string_view text, const char* end) {
  const char* at = text.data();
  std::size_t left = text.size();
  const auto last = [&] {
    const std::uint64_t bytes = LoadPart(at, left, end);
    return kFold ? Fold(bytes) & (~std::uint64_t{0} >> (8 * (8 - left))) : bytes;
  };
  if (left <= 8) return last();
  std::uint64_t hash = left;
  for (; left > 8; left -= 8, at += 8)
    hash = MixHash(hash, kFold ? Fold(Load(at, 8)) : Load(at, 8));
  return MixHash(hash, last());
}

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::uint64_t HashBytes(std::string_view bytes) {
  return MixHash(bytes.size(), bytes.empty() ? 0 : IdOf<false>(bytes, bytes.data() + bytes.size()));
}

/// Whether there were any.
bool SqlLexer::SkipBlanks() {
  const char* const begin = at_;
  while (at_ < end_) {
    if (ClassOf(*at_) == kBlank) {
      ++at_;
    } else if (*at_ == '-' && At(at_ + 1, '-')) {
      SkipLine();
    } else if (*at_ == '/' && At(at_ + 1, '*')) {
      SkipComment();
    } else {
      break;
    }
  }
  return at_ != begin;
}

void SqlLexer::SkipLine() {
  at_ = std::find_if(at_, end_, [](char c) { return c == '\n' || c == '\r'; });
}

void SqlLexer::SkipComment() {
  int depth = 1;
  at_ += 2;
  for (; at_ < end_ && depth > 0; ++at_) {
    if (*at_ == '*' && At(at_ + 1, '/')) {
      --depth;
      ++at_;
    } else if (*at_ == '/' && At(at_ + 1, '*')) {
      ++depth;
      ++at_;
    }
  }
}

bool SqlLexer::Next(SqlToken& token) {
  token.spaced = SkipBlanks();
  if (at_ == end_) return false;
  switch (ClassOf(*at_)) {
    case kLetter:
      Word(token);
      break;
    case kDigit:
      Literal(token, NumberEnd());
      break;
    case kDot:
      if (at_ + 1 < end_ && IsDigit(at_[1])) {
        Literal(token, NumberEnd());
      } else {
        Mark(token, 1);
      }
      break;
    case kQuote:
      Literal(token, StringEnd(at_, false));
      break;
    case kDoubleQuote: {
      const char* const begin = at_;
      Set(token, SqlToken::Kind::kQuoted, StringEnd(at_, false));
      token.id = IdOf<false>(Between(begin, at_), end_);
      break;
    }
    case kDollar:
      Dollar(token);
      break;
    case kSign:
      Operator(token);
      break;
    default:
      Mark(token, *at_ == ':' && At(at_ + 1, ':') ? 2 : 1);
  }
  return true;
}

/// The bytes up to `end` are the token.
void SqlLexer::Set(SqlToken& token, SqlToken::Kind kind, const char* end) {
  token.kind = kind;
  token.text = Between(at_, end);
  at_ = end;
}

void SqlLexer::Mark(SqlToken& token, int bytes) {
  token.id = bytes == 2 ? kCastId : static_cast<unsigned char>(*at_);
  Set(token, SqlToken::Kind::kMark, at_ + bytes);
}

void SqlLexer::Literal(SqlToken& token, const char* end) {
  token.id = 0;
  Set(token, SqlToken::Kind::kLiteral, end);
}

/// After the closing quote; it may be doubled within.
const char* SqlLexer::StringEnd(const char* quote, bool escapes) const {
  const char* at = quote + 1;
  while (at < end_) {
    if (escapes) {
      at = std::find_if(at, end_, [](char c) { return c == '\'' || c == '\\'; });
    } else {
      const void* const found = std::memchr(at, *quote, static_cast<std::size_t>(end_ - at));
      at = found == nullptr ? end_ : static_cast<const char*>(found);
    }
    if (at == end_) break;
    if (*at == *quote && !At(at + 1, *quote)) return at + 1;
    at = std::min(at + 2, end_);
  }
  return end_;
}

const char* SqlLexer::NumberEnd() const {
  const auto digits = [this](const char* at) {
    return std::find_if(at, end_, [](char c) { return !IsDigit(c) && c != '_'; });
  };
  if (*at_ == '0' && end_ - at_ > 2 && IsWordPart(at_[2])) {
    const char base = static_cast<char>(at_[1] | 0x20);
    if (base == 'x' || base == 'o' || base == 'b')
      return std::find_if(at_ + 2, end_, [](char c) { return !IsWordPart(c); });
  }
  const char* at = digits(at_);
  if (At(at, '.') && !At(at + 1, '.')) at = digits(at + 1);
  if (at < end_ && (*at | 0x20) == 'e') {
    const char* const power = at + (At(at + 1, '-') || At(at + 1, '+') ? 2 : 1);
    if (power < end_ && IsDigit(*power)) at = digits(power);
  }
  return at;
}

void SqlLexer::Word(SqlToken& token) {
  const char* end = at_ + 1;
  while (end < end_ && (IsWordPart(*end) || *end == '$')) ++end;
  const char first = static_cast<char>(*at_ | 0x20);
  if (end == at_ + 1 && end < end_) {
    if (*end == '\'' && (first == 'e' || first == 'b' || first == 'x' || first == 'n'))
      return Literal(token, StringEnd(end, first == 'e'));
    if (*end == '&' && first == 'u' && At(end + 1, '\''))
      return Literal(token, StringEnd(end + 1, false));
  }
  token.id = IdOf<true>(Between(at_, end), end_);
  Set(token, SqlToken::Kind::kWord, end);
}

/// A parameter, a string in dollar quotes, or the character.
void SqlLexer::Dollar(SqlToken& token) {
  const char* at = at_ + 1;
  if (at < end_ && IsDigit(*at)) {
    return Literal(token, std::find_if(at, end_, [](char c) { return !IsDigit(c); }));
  }
  at = std::find_if(at, end_, [](char c) { return !IsWordPart(c); });
  if (!At(at, '$')) return Mark(token, 1);
  const std::string_view tag = Between(at_, at + 1);
  const std::string_view rest = Between(at + 1, end_);
  const std::size_t close = rest.find(tag);
  return Literal(token, close == std::string_view::npos ? end_ : at + 1 + close + tag.size());
}

/// As PostgreSQL cuts them: an operator ends before a comment, and with '+' or '-' only if it holds
/// a character that standard SQL's operators do not have.
void SqlLexer::Operator(SqlToken& token) {
  const char* end = at_ + 1;
  for (; end < end_ && ClassOf(*end) == kSign; ++end) {
    if ((*end == '-' && At(end + 1, '-')) || (*end == '/' && At(end + 1, '*'))) break;
  }
  const auto is_end_sign = [](char c) { return c == '+' || c == '-'; };
  if (end - at_ > 1 && is_end_sign(end[-1]) &&
      Between(at_, end).find_first_of("~!@#%^&|`?") == std::string_view::npos) {
    while (end - at_ > 1 && is_end_sign(end[-1])) --end;
  }
  if (end - at_ == 1 && *at_ == '?') return Literal(token, end);
  token.id = IdOf<false>(Between(at_, end), end_);
  Set(token, SqlToken::Kind::kOperator, end);
}

}  // namespace pgbeacon::log
