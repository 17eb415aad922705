"""What the simulator's own pages share: one frame, forms, and who may ask at all."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from .problems import Problem

# A page of elsewhere whose name was pointed at this machine still says its own name.
HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
LOOPBACK = ("127.0.0.1", "::1")
_OWN = frozenset({"same-origin", "none"})
Links = Sequence[tuple[str, str]]
_LINKS: Links = (("审核台", "/clerk"), ("速度与故障", "/switches"), ("手机", "/phone"))
_STYLE = (
    "body{font:16px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;margin:0 auto;max-width:64rem;padding:1rem}"
    "nav a{margin-right:1rem}table{border-collapse:collapse;width:100%}h1{font-size:1.4rem}h2{font-size:1.1rem}"
    "h3{font-size:1rem}"
    "td,th{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}"
    "tr[aria-current]{background:#e6f4ff}td button{white-space:nowrap}"
    "form{display:inline-block;margin:.2rem .4rem .2rem 0}"
    "button,select,input{font:inherit;min-height:2.75rem;max-width:100%}"
    "section{border:1px solid #ccc;border-radius:.6rem;padding:.6rem 1rem;margin:1rem 0}"
    # on a phone each row is a card, and what is pressed is as large as a finger
    "li{overflow-wrap:anywhere}@media(max-width:48rem){table,tbody,tr,td{display:block}th,td:empty{display:none}"
    "td{border:0;padding:.1rem .3rem}td:nth-child(-n+2){display:inline-block}"
    "tr:not(:first-child){border-bottom:1px solid #ccc;padding:.5rem 0}"
    "td form,td button{width:100%}td button{white-space:normal}section{padding:.3rem .6rem}"
    "nav a,td a,li a{display:inline-block;line-height:2.75rem}}"
)

LIVE_SCRIPT = "/live.js"
_LIVE = '<div aria-live="polite" id='
# Asks for the page it stands in and takes over what is new in each of these parts: never while somebody is at one, has
# typed into it or chosen something there, and nothing beside them is touched. The part itself stays: what is read aloud
# is what comes into it.
_KEEPS_LIVE = """\
const parts = () => [...document.querySelectorAll("[aria-live]")];
const fields = (within) => [...within.querySelectorAll("input, select")];
const touched = (field) => field.tagName === "SELECT"
  ? [...field.options].some((each) => each.selected !== each.defaultSelected) : field.value !== field.defaultValue;
const inUse = (part) => part.contains(document.activeElement) || fields(part).some(touched);
setInterval(async () => {
  if (document.hidden || parts().every(inUse)) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer || !answer.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts()) {
    const news = found.getElementById(part.id);
    if (news && news.innerHTML !== part.innerHTML && !inUse(part)) part.replaceChildren(...news.childNodes);
  }
}, 2000);
"""


def live(name: str, body: str) -> str:
    """A part of a page that changes by itself; what it says must be the same while nothing has changed."""
    return f'{_LIVE}"{name}">{body}</div>'


async def live_script(request: Request) -> Response:
    return Response(_KEEPS_LIVE, media_type="text/javascript", headers={"Cache-Control": "no-store"})


def is_local(host: str, client: str) -> bool:
    """Whether somebody at this very machine asks, by an address of this machine."""
    return client in LOOPBACK and (urlsplit(f"//{host}").hostname or "") in HOSTS


def page(title: str, body: str, status: int = 200, *, nav: str = "", beside: Links = ()) -> Response:
    """`body` and `nav` are HTML already: what comes from people is escaped by whoever writes it.

    `beside`: what the simulator's own links are followed by. A page with `live` parts keeps them up to date.
    """
    again = f'<script src="{LIVE_SCRIPT}" defer></script>' if _LIVE in body else ""
    links = "".join(f'<a href="{escape(address)}">{escape(words)}</a>' for words, address in (*_LINKS, *beside))
    return HTMLResponse(
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{escape(title)}</title>{again}'
        '<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><nav>{nav or f'平台模拟器：{links}'}</nav><h1>{escape(title)}</h1>{body}</html>",
        status,
        # from here one goes on to the pages that asked for a face
        {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"},
    )


def require_own(request: Request) -> None:
    """Raises Problem where another site's page has sent it; programs send nothing of the kind."""
    if request.headers.get("sec-fetch-site", "none") not in _OWN:
        raise Problem("UNAUTHORIZED", "请从模拟器自己的页面操作")


async def form_of(request: Request) -> dict[str, str]:
    """The first value of each field of our own pages."""
    require_own(request)
    return {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}


def told(act: Callable[[Request], Awaitable[str]]) -> Callable[[Request], Awaitable[Response]]:
    """An act that leads to the page it names, or its refusal as a page."""

    async def answer(request: Request) -> Response:
        try:
            place = await act(request)
        except Problem as problem:
            return page(problem.title, f"<p>{escape(problem.detail or '')}</p>", problem.status)
        return RedirectResponse(place, 303)

    return answer


def button(action: str, words: str, fields: Mapping[str, str]) -> str:
    """A form of one button."""
    hidden = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    return f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(words)}</button></form>'


def options(choices: Mapping[str, str], chosen: str) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in choices.items()
    )
