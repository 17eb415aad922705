"""A citizen's browser, and the phone that scans what it shows; both speak HTTP like anybody's."""

import httpx

from deploy.demo.people import Json, Person, wait_for

LOGINS = "/citizen/logins"
LONG_POLL_SECONDS = 20


class Browser(Person):
    """Keeps its cookies to itself; nobody else is signed in by what it asked for."""

    def __init__(self, base_url: str, timeout: float = 120.0) -> None:
        self.http = httpx.Client(base_url=base_url, trust_env=False, timeout=60)
        super().__init__(self.http, "", timeout)
        self._headers = {}

    def close(self) -> None:
        self.http.close()

    def ask_to_sign_in(self, channel: str) -> Json:
        """The attempt, once there is something to scan or to open."""
        asked = self.post(LOGINS, {"channel": channel})
        return self.progress(asked["login_no"], "opening")

    def progress(self, login_no: str, known: str) -> Json:
        """The attempt when it is no longer in the stage that is known."""
        path = f"{LOGINS}/{login_no}"
        return wait_for(
            "人脸识别",
            lambda: self.get(path, wait=LONG_POLL_SECONDS, stage=known),
            lambda seen: bool(seen["stage"] != known),
        )

    def code(self, login_no: str) -> bytes:
        """The QR code as SVG."""
        return self.content(f"{LOGINS}/{login_no}/qr")

    def sign_in(self, name: str, id_number: str, channel: str = "app") -> Json:
        """Ask, be recognised by the platform, and have the session; gives the account page."""
        login = self.ask_to_sign_in(channel)
        if channel == "pc":
            self.code(login["login_no"])
        phone(login["url"], "passed", name, id_number)
        seen = wait_for(
            "登录",
            lambda: self.get(f"{LOGINS}/{login['login_no']}", wait=LONG_POLL_SECONDS, stage="waiting"),
            lambda seen: bool(seen["stage"] not in ("waiting", "scanned")),
        )
        if not seen["signed_in"]:
            raise RuntimeError(f"signing in ended as {seen['stage']}: {seen['explanation']}")
        return self.get("/citizen/account")

    def sign_out(self) -> None:
        self._send("POST", "/citizen/logout", key="sign-out")


def phone(url: str, status: str, name: str = "", id_number: str = "") -> None:
    """What the person does with the phone on the platform's own page: scanned, passed, failed."""
    form = {"status": status, "name": name, "id_number": id_number}
    httpx.post(url, data=form, trust_env=False, timeout=30).raise_for_status()
