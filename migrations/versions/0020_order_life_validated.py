"""What 0011 to 0017 have added to filled tables holds for old rows too."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ADDED = (
    ("messages", "ck_messages_kind"),
    ("clients", "ck_clients_reachable"),
    ("clients", "fk_clients_org_id_merged_into_id"),
    ("orders", "ck_orders_state"),
    ("orders", "ck_orders_source"),
    ("orders", "ck_orders_blocked"),
    ("orders", "ck_orders_deposit"),
    ("orders", "fk_orders_org_id_service_id"),
    ("orders", "fk_orders_org_id_estimate_id"),
    ("orders", "fk_orders_org_id_team_id"),
    ("orders", "fk_orders_org_id_lead_id"),
    ("orders", "fk_orders_org_id_recurrence_id"),
)


def upgrade() -> None:
    for table, constraint in ADDED:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


def downgrade() -> None:
    """A constraint that is valid harms nobody."""
