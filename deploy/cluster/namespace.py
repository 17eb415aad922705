"""The product's namespaces on a cluster: made where it isn't, brought to what is agreed where it is."""

import asyncio
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from deploy.cluster import agreed

_TYPES = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}
_AGAIN_S = 0.2


async def bring_about(client: Client) -> None:
    """Until it is so: a new cluster knows a new namespace only after a moment."""
    while True:
        try:
            await _retain(client, agreed.CANARY_NAMESPACE, agreed.CANARY_RETENTION)
            await _retain(client, agreed.NAMESPACE, agreed.RETENTION)
            await _add_attributes(client, agreed.NAMESPACE)
            return
        except (RPCError, RuntimeError):
            await asyncio.sleep(_AGAIN_S)


async def _retain(client: Client, namespace: str, kept: timedelta) -> None:
    ttl = Duration(seconds=int(kept.total_seconds()))
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=ttl)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
        config = NamespaceConfig(workflow_execution_retention_ttl=ttl)
        await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=namespace, config=config))


async def _add_attributes(client: Client, namespace: str) -> None:
    service = client.operator_service
    known = (await service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))).custom_attributes
    missing = {name: _TYPES[kind] for name, kind in agreed.SEARCH_ATTRIBUTES.items() if name not in known}
    if missing:
        await service.add_search_attributes(AddSearchAttributesRequest(namespace=namespace, search_attributes=missing))
