"""${message}

Rules (ops/docs/migrations.md has the recipes):
- Number the file, name it after the feature, put its number into migrations/HEAD.
- Old code must run on the new schema: add in one release, remove in a later one.
- A new tenant table: org_id NOT NULL first in the primary key, composite foreign keys, `rls.protect_tenant_table`.
- CREATE INDEX CONCURRENTLY alone in its file, inside `op.get_context().autocommit_block()`.
- NOT NULL on a filled column: CHECK ... NOT VALID, then VALIDATE, then SET NOT NULL.
- Back-fills are scripts in batches, not migrations.
"""

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
