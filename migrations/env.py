"""Runs the migrations on the connection that ``Database.upgrade`` hands over. No application table is imported."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True, transactional_ddl=False)
context.run_migrations()
