#!/usr/bin/env python3
"""The coroutine rule: g++ 12.2 destroys temporaries twice in some full expressions with co_await.

A statement with co_await has no braced initialiser, no `?:` and no lambda. Statements inside a lambda's
body or a block stand for themselves, and so does each part of a header such as `if (init; condition)`.

    coroutines.py ROOT
"""

import re
import sys

from source_tree import cpp_files, read, report, without_noise

TOKEN = re.compile(r"\w+|\[\[|\]\]|::|->|&&|\|\||[^\s\w]")
HEADER_WORDS = {"if", "while", "for", "switch"}
# After these words a brace opens a block, and a bracket begins an expression.
BLOCK_WORDS = {"else", "do", "try", "noexcept", "const", "override", "final", "mutable"}
EXPRESSION_WORDS = {"return", "co_return", "co_await", "co_yield", "throw", "case"}
SCOPE_WORDS = {"namespace", "class", "struct", "union", "enum", "extern"}
NAMES = {"co_await": "co_await", "brace": "a braced initialiser", "?": "?:", "lambda": "a lambda"}


class Parser:
    def __init__(self, text):
        self.tokens = [(match.group(), text.count("\n", 0, match.start()) + 1)
                       for match in TOKEN.finditer(text)]
        self.at = 0
        self.found = []  # (line, forbidden things) of statements that break the rule

    def block(self):
        """Statements up to the closing brace of the block that was just opened, or the end."""
        while self.at < len(self.tokens):
            if self.tokens[self.at][0] == "}":
                self.at += 1
                return
            self.statement()

    def statement(self):
        seen, words, depth, lambdas = {}, [], 0, 0
        while self.at < len(self.tokens):
            token, line = self.tokens[self.at]
            if token == "}" and depth == 0:
                break
            self.at += 1
            if token == ";":
                self.judge(seen)
                if depth == 0:
                    return
                seen = {}  # the next part of a for or if header
            elif token == "[" and begins_lambda(words):
                seen["lambda"] = line
                lambdas += 1
                self.skip_to("]")
                token = "]"
            elif token == "{":
                if lambdas and opens_body(words):
                    lambdas -= 1
                    self.block()
                elif depth == 0 and opens_block(words):
                    self.judge(seen)
                    self.block()
                    return
                else:
                    seen["brace"] = line
                    depth += 1
            elif token in "([":
                depth += 1
            elif token in ")]}":
                depth -= 1
                if depth == 0 and token == ")" and words and words[0] in HEADER_WORDS:
                    self.judge(seen)
                    if self.at < len(self.tokens) and self.tokens[self.at][0] != "{":
                        return
                    seen = {}
            elif token in ("co_await", "?"):
                seen[token] = line
            words.append(token)
        self.judge(seen)

    def skip_to(self, closing):
        depth = 1
        opening = {"]": "["}[closing]
        while depth and self.at < len(self.tokens):
            token = self.tokens[self.at][0]
            depth += (token == opening) - (token == closing)
            self.at += 1

    def judge(self, seen):
        forbidden = [name for name in ("brace", "?", "lambda") if name in seen]
        if "co_await" in seen and forbidden:
            self.found.append((seen["co_await"], [NAMES[name] for name in forbidden]))


def begins_lambda(words):
    """Whether `[` after `words` introduces a lambda: not a subscript, not a structured binding."""
    if not words:
        return True
    last = words[-1]
    if last in ("&", "&&"):
        return len(words) < 2 or words[-2] != "auto"
    return last in EXPRESSION_WORDS or not (re.match(r"\w", last) or last in ")]\"")


def opens_body(words):
    """Whether `{` opens the body of the lambda introduced before."""
    tail = words[-12:]
    return (tail[-1] in ("]", ")") or tail[-1] in BLOCK_WORDS or "->" in tail)


def opens_block(words):
    """Whether `{` outside parentheses opens a block."""
    if not words or words[-1] in (")", ":") or words[-1] in BLOCK_WORDS:
        return True
    return words[0] in SCOPE_WORDS or (words[0] == "template" and "=" not in words) or (
        "->" in words and "=" not in words and words[-1] not in EXPRESSION_WORDS)


def main(root):
    problems = []
    for path in cpp_files(root):
        text = read(root, path)
        if "co_await" not in text:
            continue
        parser = Parser(re.sub(r"^\s*#.*$", "", without_noise(text), flags=re.MULTILINE))
        while parser.at < len(parser.tokens):
            parser.block()
        problems += [f"{path}:{line}: co_await in one statement with {' and '.join(what)}"
                     for line, what in parser.found]
    return report(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
