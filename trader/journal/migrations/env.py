"""What alembic runs: the migrations, on the connection that it is given, within that one's transaction."""

from __future__ import annotations

from alembic import context

# Whoever imports this otherwise, e.g. to look for doctests, has no migration under way.
if hasattr(context, "config"):
    context.configure(
        connection=context.config.attributes["connection"], transactional_ddl=True, transaction_per_migration=False
    )
    context.run_migrations()
