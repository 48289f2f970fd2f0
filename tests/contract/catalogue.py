"""What Postgres itself says about the rules of tenancy: each function returns who breaks one.

A table is a tenant's when it has `org_id`, whether the code knows it or not. `pg_catalog` is asked, which shows
everything to everybody; `information_schema` shows a login only what it has rights on.
"""

from sqlalchemy import Connection, text

MIXED = {"job_runs"}
"""Tables with rows of organizations and rows of the whole installation, whose `org_id` is NULL: no tenant's policy lets
those through. They may have such rows, and a primary key without `org_id`; every other rule holds for them, too."""

_MIXED = ", ".join(f"'{table}'" for table in sorted(MIXED))
_TENANTS = """
    SELECT c.oid FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'org_id'
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""
_COLUMNS = """
    (SELECT array_agg(attname::text ORDER BY n) FROM unnest({numbers}) WITH ORDINALITY AS k(num, n)
     JOIN pg_attribute ON attrelid = {table} AND attnum = num)
"""


def tenant_tables(connection: Connection) -> set[str]:
    """Every table with the column `org_id`."""
    return set(connection.execute(text(f"SELECT oid::regclass::text FROM ({_TENANTS}) AS t")).scalars())


def without_forced_row_security(connection: Connection) -> set[str]:
    """Tenant tables, and `organizations`, where row-level security is not enabled, or not forced on the owner."""
    sql = f"""
        SELECT relname FROM pg_class
        WHERE (oid IN ({_TENANTS}) OR oid = 'organizations'::regclass) AND NOT (relrowsecurity AND relforcerowsecurity)
    """
    return set(connection.execute(text(sql)).scalars())


def with_nullable_org_id(connection: Connection) -> set[str]:
    """Tenant tables that can hold a row of nobody."""
    sql = f"""
        SELECT attrelid::regclass::text FROM pg_attribute
        WHERE attrelid IN ({_TENANTS}) AND attname = 'org_id' AND NOT attnotnull
          AND attrelid::regclass::text NOT IN ({_MIXED})
    """
    return set(connection.execute(text(sql)).scalars())


def unique_keys_not_led_by_org_id(connection: Connection) -> set[str]:
    """Unique indexes of tenant tables, primary keys included, that do not start with `org_id`: two organizations could
    get in each other's way, or learn of each other's values."""
    sql = f"""
        SELECT x.indexrelid::regclass::text FROM pg_index AS x
        LEFT JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
        WHERE x.indisunique AND x.indrelid IN ({_TENANTS}) AND a.attname IS DISTINCT FROM 'org_id'
          AND NOT (x.indisprimary AND x.indrelid::regclass::text IN ({_MIXED}))
    """
    return set(connection.execute(text(sql)).scalars())


def without_primary_key(connection: Connection) -> set[str]:
    """Tenant tables without a primary key."""
    sql = f"""
        SELECT oid::regclass::text FROM ({_TENANTS}) AS t
        WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = t.oid AND indisprimary)
    """
    return set(connection.execute(text(sql)).scalars())


def foreign_keys_that_may_cross(connection: Connection) -> set[str]:
    """Foreign keys of tenant tables that do not carry `org_id` on both sides, so that a row could point into another
    organization."""
    mine = _COLUMNS.format(numbers="f.conkey", table="f.conrelid")
    theirs = _COLUMNS.format(numbers="f.confkey", table="f.confrelid")
    sql = f"""
        SELECT f.conname, f.confrelid = 'organizations'::regclass AS to_organization, {mine} AS mine, {theirs} AS theirs
        FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conrelid IN ({_TENANTS})
    """
    return {
        key["conname"]
        for key in connection.execute(text(sql)).mappings()
        if (key["mine"][0], key["theirs"][0]) != ("org_id", "id" if key["to_organization"] else "org_id")
        or len(key["mine"]) != (1 if key["to_organization"] else 2)
    }


def without_foreign_key(connection: Connection) -> set[str]:
    """Tenant tables that nothing ties to an existing organization."""
    sql = f"""
        SELECT oid::regclass::text FROM ({_TENANTS}) AS t
        WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t.oid AND contype = 'f')
    """
    return set(connection.execute(text(sql)).scalars())
