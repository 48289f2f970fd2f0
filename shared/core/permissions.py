"""Who may do what: one enum of permissions, one table of roles (SPEC 1).

A permission is named `feature:verb`. Routes name the permission they need (`@requires`), never a role.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a user is in their organization."""

    OWNER = "owner"
    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    FINANCE = "finance"
    VIEWER = "viewer"
    WORKER = "worker"


class Permission(StrEnum):
    """Every right that a staff endpoint can ask for."""

    SELF = "self:use"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    CLIENTS_ERASE = "clients:erase"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    ESTIMATES_WRITE = "estimates:write"
    CREWS_READ = "crews:read"
    CREWS_WRITE = "crews:write"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDER_PHOTOS_READ = "order_photos:read"
    ORDER_PHOTOS_ADD = "order_photos:add"
    ORDER_PHOTOS_WRITE = "order_photos:write"
    PAYMENTS_READ = "payments:read"
    MAIL_SUPPRESSIONS_READ = "mail_suppressions:read"
    MAIL_SUPPRESSIONS_WRITE = "mail_suppressions:write"
    AUDIT_READ = "audit:read"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    METRICS_READ = "metrics:read"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    JOBS_READ = "job_runs:read"
    JOBS_RUN = "job_runs:run"
    EXPORTS_READ = "exports:read"
    EXPORTS_INSPECT = "exports:inspect"
    EXPORTS_REPLAY = "exports:replay"
    WEBHOOK_ENDPOINTS_READ = "webhook_endpoints:read"
    WEBHOOK_ENDPOINTS_WRITE = "webhook_endpoints:write"
    CSV_FILES_READ = "csv_files:read"
    STORAGE_DELETES_READ = "storage_deletes:read"
    STORAGE_DELETES_WRITE = "storage_deletes:write"
    IAM_READ = "iam:read"
    IAM_WRITE = "iam:write"
    OWNERS_WRITE = "owners:write"


_READS = frozenset(
    {
        Permission.CLIENTS_READ,
        Permission.CATALOG_READ,
        Permission.CREWS_READ,
        Permission.LEADS_READ,
        Permission.MAIL_SUPPRESSIONS_READ,
        Permission.ORDERS_READ,
        Permission.ORDER_PHOTOS_READ,
        Permission.PAYMENTS_READ,
    }
)
_DISPATCH = frozenset(
    {
        Permission.CLIENTS_WRITE,
        Permission.ESTIMATES_WRITE,
        Permission.CREWS_WRITE,
        Permission.LEADS_WRITE,
        Permission.MAIL_SUPPRESSIONS_WRITE,
        Permission.ORDERS_WRITE,
        Permission.ORDER_PHOTOS_ADD,
        Permission.ORDER_PHOTOS_WRITE,
    }
)
_ADMIN = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.CATALOG_WRITE,
        Permission.CLIENTS_ERASE,
        Permission.EXPORTS_INSPECT,
        Permission.EXPORTS_REPLAY,
        Permission.IAM_READ,
        Permission.IAM_WRITE,
        Permission.JOBS_READ,
        Permission.JOBS_RUN,
        Permission.MESSAGES_READ,
        Permission.MESSAGES_WRITE,
        Permission.METRICS_READ,
        Permission.ORGANIZATIONS_READ,
        Permission.ORGANIZATIONS_WRITE,
        Permission.STORAGE_DELETES_READ,
        Permission.STORAGE_DELETES_WRITE,
        Permission.WEBHOOK_ENDPOINTS_READ,
        Permission.WEBHOOK_ENDPOINTS_WRITE,
    }
)
_MONEY = frozenset({Permission.EXPORTS_READ, Permission.CSV_FILES_READ})
_OWNER_ONLY = frozenset({Permission.OWNERS_WRITE})
_EVERYONE = frozenset({Permission.SELF})

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _EVERYONE | _READS | _DISPATCH | _MONEY | _ADMIN | _OWNER_ONLY,
    Role.ADMIN: _EVERYONE | _READS | _DISPATCH | _MONEY | _ADMIN,
    Role.DISPATCHER: _EVERYONE | _READS | _DISPATCH,
    Role.FINANCE: _EVERYONE | _READS | _MONEY,
    Role.VIEWER: _EVERYONE | _READS,
    Role.WORKER: _EVERYONE | {Permission.ORDER_PHOTOS_READ, Permission.ORDER_PHOTOS_ADD},
}
