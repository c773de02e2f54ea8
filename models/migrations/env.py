"""Alembic's entry: runs the versions on the connection that models.migrations.upgrade hands over."""

from __future__ import annotations

from alembic import context

import models.migrations.tables  # noqa: F401
from models.base import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=False)
context.run_migrations()
