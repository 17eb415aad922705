"""Many people who ask again and again, until the input ends: `python -m deploy.bench.asking URL PEOPLE`.

Their tokens come as a line of JSON; what they were told goes out as one, by its status.
"""

import asyncio
import json
import sys
from collections import Counter

import httpx
import uvloop


async def ask(url: str, tokens: list[str], people: int) -> Counter[int]:
    told: Counter[int] = Counter()
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))

    async def one(token: str) -> None:
        heads = {"Authorization": f"Bearer {token}"}
        # a pool each: one of hundreds of connections is looked through at every answer, and takes half a processor
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, verify=False, headers=heads) as http:  # noqa: S501 - loopback, no TLS
            while not over.done():
                try:
                    answer = await http.get("/applications")
                except httpx.TransportError:
                    continue
                told[answer.status_code] += 1
                # who is told to come later does
                await asyncio.sleep(float(answer.headers.get("retry-after", 0)))

    asking = [asyncio.create_task(one(tokens[place % len(tokens)])) for place in range(people)]
    print("asking", flush=True)
    await asyncio.gather(*asking)
    return told


def main() -> None:
    tokens = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(ask(sys.argv[1], tokens, int(sys.argv[2])))))


if __name__ == "__main__":
    main()
