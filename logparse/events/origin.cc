#include "logparse/events/origin.h"

#include <cstddef>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$';
}

bool HasWord(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != kNone; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !IsNameByte(text[at - 1])) && (end == text.size() || !IsNameByte(text[end]))) {
      return true;
    }
  }
  return false;
}

// The end of the innermost frame, which is the first: a line feed inside quotes is one of a name.
// A name in quotes that stands in quotes itself (Korean) leaves its line feeds outside of them: the
// frame is taken to be all of the rest then.
std::size_t FrameEnd(std::string_view context) {
  if (context.substr(0, context.find('\n')).find(" \"\"") != kNone) return context.size();
  bool quoted = false;
  for (std::size_t i = 0; i < context.size(); ++i) {
    if (context[i] == '"') quoted = !quoted;
    if (context[i] == '\n' && !quoted) return i;
  }
  return context.size();
}

// Whether one of PL/pgSQL's statements that take the user's text stands outside of quotes, where a
// name cannot: an unquoted name has no capitals.
bool NamesRaise(std::string_view frame) {
  while (!frame.empty()) {
    const std::size_t open = frame.find('"');
    const std::string_view plain = frame.substr(0, open);
    if (HasWord(plain, "RAISE") || HasWord(plain, "ASSERT")) return true;
    if (open == kNone) return false;
    const std::size_t close = frame.find('"', open + 1);
    if (close == kNone) return false;
    frame.remove_prefix(close + 1);
  }
  return false;
}

// "[unknown]" is printed for no name, in the server's language.
bool Named(std::string_view name) {
  return !name.empty() && !(name.starts_with('[') && name.ends_with(']'));
}

}  // namespace

bool IsRaised(std::string_view context) {
  if (context.find("PL/") == kNone) return false;
  const std::string_view frame = context.substr(0, FrameEnd(context));
  if (frame.find("PL/pgSQL") != kNone) return NamesRaise(frame);
  // What PL/Python and PL/Tcl tell of an error stands before their frame.
  if (context.starts_with("Traceback ")) return context.find("PL/Python") != kNone;
  return frame.find("PL/Perl") != kNone || frame.find("PL/Python") != kNone ||
         context.find("PL/Tcl") != kNone;
}

bool IsOfSession(const Message& message) {
  return !message.statement.empty() || (Named(message.user) && Named(message.database));
}

}  // namespace pgbeacon::log
