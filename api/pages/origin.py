"""Where a request comes from, and where somebody may be sent: our own pages only."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Request

from api.pages.asking import Refused
from models.words.refusals import Refusal

SIGN_IN = "/console/sign-in"
_PAGES = ("/console", "/citizen/m", "/public")
# What a path may hold as it is (RFC 3986, 3.3), beside letters and digits.
_PATH_SAFE = "/:@!$&'()*+,;=-._~"


def is_own(place: str) -> bool:
    """A page of ours, for addresses that came from outside: nobody is sent elsewhere.

    `/citizen/matters` is the API's own.
    """
    path = place.partition("?")[0]
    within = any(path == start or path.startswith(f"{start}/") for start in _PAGES)
    return within and "\\" not in place


def path_of(request: Request) -> str:
    """The path as a browser writes it; `request.url` also takes a `?` that was written %3F for its end."""
    return quote(request.scope["path"], safe=_PATH_SAFE)


def changed_address(request: Request, changed: Mapping[str, object]) -> str:
    """The request's own address with other conditions; an empty one is left out, what was done is said once."""
    query = {**dict(request.query_params), **changed}
    if "done" not in changed:
        query.pop("done", None)
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    path = path_of(request)
    return f"{path}?{urlencode(kept)}" if kept else path


def came_from(request: Request) -> str:
    """The page of ours that it was sent from, with its conditions; "" where it is another site's, or the same."""
    came = urlsplit(request.headers.get("referer", ""))
    ours = came.netloc == request.headers.get("host") and is_own(came.path) and came.path != path_of(request)
    return came.path + (f"?{came.query}" if came.query else "") if ours else ""


def is_citizens(path: str) -> bool:
    return is_own(path) and path.startswith("/citizen")


def is_public(path: str) -> bool:
    return path.startswith("/public/")


def own_pages_only(request: Request) -> None:
    """Another site's page asks: browsers say so themselves, older ones by Origin."""
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if site == "same-origin" or (site is None and origin and origin == request.headers.get("host")):
        return
    document = {
        "code": Refusal.OTHER_SITE,
        "title": "来源页面不对",
        "detail": "请从本系统的页面进入后办理，没有作任何改动",
    }
    raise Refused(403, document)


def sign_in_address(request: Request) -> str:
    """Where to sign in, and to come back from; an act comes back to the page it belongs to."""
    if hasattr(request.state, "sign_in"):
        return str(request.state.sign_in)
    here = path_of(request) + (f"?{request.url.query}" if request.url.query else "")
    return f"{SIGN_IN}?next={quote(here, safe='')}"
