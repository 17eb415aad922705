"""Two servers of callbacks to compare: `python -m deploy.bench.receiver product|bare PORT`, settings from the shell.

Same database, pool, server and event loop; the product's is its whole API without relay and watch, the bare one is one
route with one INSERT of the body into a table with a key, and checks no signature.
"""

import asyncio
import sys

import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

from api.main import build_database, build_objects, build_s3, create_app
from models import tokens
from models.gc_tuning import tune_gc
from models.settings import Settings
from models.store.database import Database, Pool
from models.store.vault import LocalVault
from models.wire.signing import parse_clients

TABLE = "CREATE TABLE IF NOT EXISTS bare_callback (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)"


def product(settings: Settings, database: Database) -> FastAPI:
    vault = LocalVault.from_file(settings.vault_key_file)
    return create_app(
        database,
        vault,
        build_objects(settings, vault, build_s3(settings)),
        settings,
        tokens.load_key(settings.token_key_file),
        None,
        parse_clients(settings.platform_clients_file.read_bytes()),
    )


def bare(database: Database) -> FastAPI:
    app = FastAPI()
    insert = text("INSERT INTO bare_callback (body) VALUES (:body)")

    @app.post("/callbacks/{province_code}", status_code=204, response_class=Response)
    async def take(province_code: str, request: Request) -> Response:
        body = await request.body()
        async with database.pool(Pool.CALLBACKS).engine.begin() as connection:
            await connection.execute(insert, {"body": body.decode()})
        return Response(status_code=204)

    return app


async def serve(kind: str, port: int) -> None:
    settings = Settings()
    database = build_database(settings)
    async with database.engine.begin() as connection:
        await connection.execute(text(TABLE))
    app = product(settings, database) if kind == "product" else bare(database)
    config = uvicorn.Config(app, "127.0.0.1", port, access_log=False, server_header=False, proxy_headers=False)
    await uvicorn.Server(config).serve()
    await database.dispose()


def main() -> None:
    tune_gc()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
