"""`_("中文", "English")` of templates chosen when a template is compiled, once a language, and not at each look."""

from collections.abc import Iterable, Iterator, Sequence

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

# name ( string , string )
_SHAPE = (("name", "_"), ("lparen", None), ("string", None), ("comma", None), ("string", None), ("rparen", None))


class Spoken(Extension):
    """Two texts become the one of the environment's language; what is put together of values stays a call."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        return _spoken(list(stream), 4 if self.environment.globals["LANGUAGE"] == "en" else 2)


def _spoken(tokens: Sequence[Token], chosen: int) -> Iterator[Token]:
    place = 0
    while place < len(tokens):
        found = tokens[place : place + len(_SHAPE)]
        if _is_said(found):
            yield Token(found[0].lineno, "string", found[chosen].value)
            place += len(_SHAPE)
        else:
            yield tokens[place]
            place += 1


def _is_said(tokens: Sequence[Token]) -> bool:
    return len(tokens) == len(_SHAPE) and all(
        token.type == kind and value in (None, token.value) for token, (kind, value) in zip(tokens, _SHAPE, strict=True)
    )
