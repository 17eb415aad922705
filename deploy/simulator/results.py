"""The result pages of a list, as stored and as told."""

import orjson

from .events import Data, publish
from .store import Row
from .world import World

PAGE = 500


def publish_results(world: World, found: Row, results: list[Data], *, announce: bool = True) -> None:
    """Stores the result pages and closes the list; `announce` is off when a cancelled flow closes its round."""
    dataset = found["dataset_id"]
    pages = max(1, -(-len(results) // PAGE))
    world.store.run("UPDATE dataset SET status = 'reviewed', result_pages = ? WHERE dataset_id = ?", pages, dataset)
    for page in range(1, pages + 1):
        data: Data = {
            "dataset_id": dataset,
            "client_reference": found["client_reference"],
            "county_code": found["county_code"],
            "page": page,
            "result_pages": pages,
            "results": results[(page - 1) * PAGE : page * PAGE],
        }
        world.store.run("INSERT INTO result_page VALUES (?, ?, ?)", dataset, page, orjson.dumps(data))
        if announce:
            publish(world, found["client_id"], found["flow_id"] or dataset, "dataset.results", data)


def dataset_wire(row: Row) -> Data:
    names = ("dataset_id", "client_reference", "kind", "county_code", "status", "record_count", "result_pages")
    return {name: row[name] for name in names}
