"""Rules about the source that a reader of one file cannot see, read from the syntax tree."""

import ast

from tests.contract.source import PRODUCT, nodes

SEES_EVERY_ORGANIZATION = {
    "api/core/public_scope.py",  # a stranger's request names the organization by its slug
    "api/health/probes.py",  # readiness: the migration that the database is at
    "api/core/job_runs.py",  # a run of the whole installation stands in for one of the organization's own
    "api/core/basic_auth.py",  # tries are counted for all organizations; the organization is named by its slug
    "api/iam/routes.py",  # unlock: tries are counted for all organizations
    "api/identity/counting.py",  # tries are counted for all organizations
    "api/identity/routes.py",  # sign-in: the address may belong to any organization
    "api/job_runs/routes.py",  # how jobs do in the whole installation
    "api/messages/routes.py",  # row-level security keeps addresses off their index; read as the organization
    "api/metrics/routes.py",  # numbers of the installation
    "api/messages/sendgrid_routes.py",  # a batch of events tells of mails of all organizations
    "api/stripe_events/routes.py",  # the inbox of webhooks belongs to no organization
    "worker/core/forgetting.py",  # retention: what belongs to no organization
    "worker/core/organizations.py",  # lists them for works that do one at a time
    "worker/core/periodic.py",  # runs of scheduled jobs
    "worker/tasks/exports.py",  # sweep
    "worker/tasks/csv_files.py",  # sweep
    "worker/tasks/messages.py",  # sweep
    "worker/tasks/order_photos.py",  # sweep
    "worker/run.py",  # an operator's runs, and how jobs do
    "worker/tasks/job_runs.py",  # sweep
    "worker/tasks/privacy.py",  # sweep
    "worker/tasks/recurrences.py",  # sweep
    "worker/tasks/retention.py",  # counts of tries to sign in belong to nobody
    "worker/tasks/stripe_events.py",  # events name their organization only when they are handled
    "ops/bench/seed.py",  # fills a database of its own
    "ops/cli/demo.py",  # makes the demo company
    "ops/cli/org.py",  # makes organizations
    "ops/cli/reseal.py",  # a key of the installation has sealed the secrets of all organizations
    "ops/cli/storage.py",  # photos of all organizations, or of one that is named by its slug
    "ops/cli/storage_reconcile.py",  # the organizations that have photos
    "ops/cli/user.py",  # recovers an account as sign-in finds it, and forgets tries, which are counted for all
}
"""Who may look at all organizations at once. Add a file only with its reason."""


def _files_where(found: object, *folders: str) -> set[str]:
    return {path for path, node in nodes(*folders) if found(node)}  # type: ignore[operator]


def _is_name(node: ast.AST, *names: str) -> bool:
    return (isinstance(node, ast.Name) and node.id in names) or (isinstance(node, ast.Attribute) and node.attr in names)


def test_only_the_transaction_commits_and_rolls_back() -> None:
    def ends_a_transaction(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and _is_name(node.func, "commit", "rollback")

    assert _files_where(ends_a_transaction, *PRODUCT, "migrations") == {
        "shared/core/transaction.py",
        "migrations/env.py",
    }


def test_only_the_settings_read_the_environment() -> None:
    def reads_the_environment(node: ast.AST) -> bool:
        return (
            _is_name(node, "environ", "environb", "getenv", "getenvb")
            or (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and {n.name for n in node.names} & {"environ", "getenv"} != set()
            )
            or _is_name(node, "BaseSettings")
        )

    assert _files_where(reads_the_environment, *PRODUCT) == {"shared/core/settings.py"}


def test_only_listed_files_look_at_every_organization() -> None:
    used = _files_where(lambda node: _is_name(node, "PLATFORM", "Platform"), *PRODUCT, "ops")
    assert used - {"shared/core/tenancy.py", "shared/core/transaction.py"} == SEES_EVERY_ORGANIZATION


def test_sessions_and_engines_are_made_in_one_place() -> None:
    def makes_one(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and _is_name(node.func, "create_engine", "sessionmaker", "Session")

    assert _files_where(makes_one, *PRODUCT) == {"shared/core/transaction.py"}


def test_nothing_waits_for_a_task_or_delays_one_in_the_broker() -> None:
    def delays(node: ast.AST) -> bool:
        return (isinstance(node, ast.keyword) and node.arg in {"countdown", "eta"}) or (
            isinstance(node, ast.Call) and _is_name(node.func, "apply_async", "delay", "retry")
        )

    assert _files_where(delays, *PRODUCT) == set()


def test_no_import_hides_inside_a_function() -> None:
    inside = {
        f"{path}:{statement.lineno}"
        for path, node in nodes(*PRODUCT)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    assert inside == set()
