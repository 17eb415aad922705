"""`python -m deploy.simulator.clerk`: a person plays the platform's clerk from the command line."""

import argparse
import sys

import httpx

from .desk import KIND_WORDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulator.clerk", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:9100")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what can be decided, the waiting first")
    for name in ("approve", "reject"):
        command = commands.add_parser(name)
        command.add_argument("ref")
        command.add_argument("--opinion")
    arguments = parser.parse_args()
    with httpx.Client(base_url=arguments.url, trust_env=False) as http:
        if arguments.command == "list":
            _list(http)
        else:
            _decide(http, arguments.ref, arguments.command == "approve", arguments.opinion)


def _list(http: httpx.Client) -> None:
    for one in http.get("/admin/clerk").raise_for_status().json()["items"]:
        state = "等待审核" if one["waiting"] else "自动审核"
        print(
            one["ref"],
            KIND_WORDS[one["kind"]],
            one.get("county_code"),
            one.get("client_reference"),
            state,
            one.get("said") or "",
        )


def _decide(http: httpx.Client, ref: str, approve: bool, opinion: str | None) -> None:
    answer = http.post(f"/admin/clerk/{ref}", json={"approve": approve, "opinion": opinion})
    if answer.is_error:
        sys.exit(answer.json().get("detail") or answer.json()["title"])
    print("已审核" if approve else "已退回")


if __name__ == "__main__":
    main()
