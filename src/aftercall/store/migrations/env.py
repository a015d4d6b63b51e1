"""This file tells Alembic how to reach our tables."""

from alembic import context

from aftercall.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    user_module_prefix="tables.",
    render_as_batch=connection.dialect.name == "sqlite",
    include_object=lambda _object, name, kind, _reflected, _compare: (
        not (
            kind == "table"
            and name is not None
            and (name.startswith("transcript_words") or name.startswith("datasource_"))
        )
    ),
)
with context.begin_transaction():
    context.run_migrations()
