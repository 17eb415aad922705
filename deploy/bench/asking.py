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
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=people)
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))

    async def one(http: httpx.AsyncClient, token: str) -> None:
        while not over.done():
            try:
                answer = await http.get("/applications", headers={"Authorization": f"Bearer {token}"})
            except httpx.TransportError:
                continue
            told[answer.status_code] += 1
            # who is told to come later does
            await asyncio.sleep(float(answer.headers.get("retry-after", 0)))

    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits) as http:
        asking = [asyncio.create_task(one(http, tokens[place % len(tokens)])) for place in range(people)]
        print("asking", flush=True)
        await asyncio.gather(*asking)
    return told


def main() -> None:
    tokens = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(ask(sys.argv[1], tokens, int(sys.argv[2])))))


if __name__ == "__main__":
    main()
