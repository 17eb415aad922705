"""The embedded local stack: PostgreSQL, Temporal, S3, the platform's simulator, worker and API on loopback."""

from deploy.stack.layout import Layout, Options
from deploy.stack.processes import StackError
from deploy.stack.stack import PARTS, SERVERS, Stack

__all__ = ["PARTS", "SERVERS", "Layout", "Options", "Stack", "StackError"]
