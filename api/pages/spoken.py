"""`_("中文", "English")` of templates chosen when a template is compiled, once a language, and not at each look."""

from collections.abc import Iterable, Iterator
from itertools import islice

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_OPENS, _CLOSES = {"lparen", "lbracket", "lbrace"}, {"rparen", "rbracket", "rbrace"}


class Spoken(Extension):
    """Of two texts, or two things put together of values, the one of the environment's language stands there."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        return _spoken(list(stream), 1 if self.environment.globals["LANGUAGE"] == "en" else 0)


def _spoken(tokens: list[Token], chosen: int) -> Iterator[Token]:
    place = 0
    while place < len(tokens):
        said = _arguments(tokens, place + 1) if tokens[place].test("name:_") else []
        if len(said) != 2:
            yield tokens[place]
            place += 1
            continue
        # in brackets of its own, so that what stands beside it doesn't take a part of it
        line = tokens[place].lineno
        yield Token(line, "lparen", "(")
        yield from _spoken(said[chosen], chosen)
        yield Token(line, "rparen", ")")
        place += sum(map(len, said)) + 4


def _arguments(tokens: list[Token], place: int) -> list[list[Token]]:
    """Of the call whose bracket would stand here; none where it isn't a call."""
    if place >= len(tokens) or tokens[place].type != "lparen":
        return []
    found: list[list[Token]] = [[]]
    depth = 1
    for token in islice(tokens, place + 1, None):
        depth += (token.type in _OPENS) - (token.type in _CLOSES)
        if depth == 0:
            return found
        if depth == 1 and token.type == "comma":
            found.append([])
        else:
            found[-1].append(token)
    return []
