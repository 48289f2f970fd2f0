"""What must hold for an image before anything runs in it."""

from ops.images.check_container import APP_UID, UPLOADS, CheckError, Container

# Writable for everybody in Debian's base; a read-only container mounts /tmp and has nothing else.
SCRATCH = ("/tmp", "/var/tmp", "/run/lock", UPLOADS)  # noqa: S108
FOLDERS = {"api": {"api", "shared", "migrations", "ops", "setup.cfg"}, "worker": {"worker", "shared", "ops"}}
FORBIDDEN = ("/tests/", "/.git", "/.env", "/quickstart/", "/sandbox/", "/requirements/", ".pem", ".key")
SECRET_WORDS = ("SECRET", "PASSWORD", "TOKEN", "DATABASE_URL", "REDIS_URL", "INDEX_URL")


def runs_as_app_user(container: Container) -> str:
    if container.config["User"] != f"{APP_UID}:{APP_UID}":
        raise CheckError(f"USER is {container.config['User']!r}")
    identity = container.must("id")
    if not identity.startswith(f"uid={APP_UID}(crewline) gid={APP_UID}(crewline)") or "root" in identity:
        raise CheckError(identity)
    return f"uid {APP_UID}"


def is_well_described(container: Container) -> str:
    config = container.config
    if config.get("StopSignal") != "SIGTERM" or config["Cmd"][:1] == ["/bin/sh"]:
        raise CheckError(f"STOPSIGNAL {config.get('StopSignal')}, CMD {config['Cmd']}")
    if config["Labels"].get("org.opencontainers.image.version") != "check":
        raise CheckError(f"labels {config['Labels']}")
    named = [entry for entry in config["Env"] if any(word in entry.upper() for word in SECRET_WORDS)]
    if named:
        raise CheckError(f"environment {named}")
    return "USER, STOPSIGNAL, exec CMD, labels, no secret in ENV"


def has_only_what_it_needs(container: Container) -> str:
    files = container.must("find", "/srv/crewline", "-type", "f").splitlines()
    tops = {file.split("/")[3] for file in files} - {"__pycache__"}
    if tops != FOLDERS[container.name]:
        raise CheckError(f"folders {sorted(tops)}, not {sorted(FOLDERS[container.name])}")
    strange = [file for file in files if any(part in file for part in FORBIDDEN)]
    if strange:
        raise CheckError(f"must not be in the image: {strange[:5]}")
    # Mounted for the build on this machine; its content must not have stayed.
    container.must("sh", "-c", "test ! -s /etc/pip.conf && test ! -e /root/.cache/pip", user="0")
    sources = [file for file in files if file.endswith(".py")]
    compiled = [file for file in files if file.endswith(".pyc")]
    if len(compiled) < len(sources):
        raise CheckError(f"{len(sources)} sources, {len(compiled)} compiled")
    return f"{len(sources)} modules, all compiled; no tests, history or secrets"


def cannot_be_written(container: Container) -> str:
    # Its status is 1, because the user may not even look into some folders.
    _, found = container.run("sh", "-c", "find / -xdev -writable ! -type l 2>/dev/null")
    wrong = [path for path in found.splitlines() if not path.startswith((*SCRATCH, "/proc", "/sys", "/dev"))]
    if UPLOADS not in found.splitlines():
        raise CheckError(f"{UPLOADS} cannot be written")
    if wrong:
        raise CheckError(f"writable for the app user: {wrong[:5]}")
    return "no file outside /tmp and the upload volume"


def has_sound_packages(container: Container) -> str:
    script = '"$(readlink -f /opt/venv/bin/python)" -m pip --python /opt/venv/bin/python'
    said = container.must("sh", "-c", f"{script} check", user="0")
    count = len(container.must("sh", "-c", f"{script} list --format=freeze", user="0").splitlines())
    return f"{said.splitlines()[-1]} ({count} packages)"


def refuses_bad_settings(container: Container) -> str:
    status, output = container.run(*container.config["Cmd"], env={"DATABASE_URL": ""})
    if status != 78 or "DATABASE_URL" not in output:
        raise CheckError(f"without a database it ended with {status}, not 78: {output[-300:]}")
    return "exit 78 without DATABASE_URL"


CHECKS = (
    runs_as_app_user,
    is_well_described,
    has_only_what_it_needs,
    cannot_be_written,
    has_sound_packages,
    refuses_bad_settings,
)
