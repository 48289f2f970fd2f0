"""The results as JSON and as a page."""

from collections.abc import Mapping
from typing import Any

from ops.bench.measured import CEILINGS, TARGETS, Rate, Verdict, ceilings, floors, ratios

LIMITS = frozenset({"bare_flask", *(limit for _, limit, _ in TARGETS.values())})

NOTES = """\
Everything was measured in one run on one machine, in turns: each round measures every row once, and the numbers are
medians over the rounds. A ratio is ours over the limit; "rounds" is the lowest and the highest that a single round
would have given. CPU is what one answer cost on the server's side in all (its workers, and Postgres); "by CPU" is the
same ratio made from it, which depends less on what else the machine does.

- 16 kept-alive connections, one request in flight on each, spread evenly over two gunicorn workers of eight threads.
  Everything shares the machine's cores: client, gunicorn, Postgres, Redis. Workers do not recycle during the run.
- Postgres has durable settings (fsync on) and is reached over TCP on the loopback interface by both sides; the bare
  application keeps one psycopg2 connection per thread, in autocommit.
- Ours runs as in production: signed in, row-level security, request log at `info`. The bare one logs nothing.
- `create_order` places every order in one organization, whose number counter is a row lock held to the commit; the
  line for 20 organizations shows what that costs. No `Idempotency-Key`.
- `webhook_accept` stores distinct, correctly signed `payment_intent.succeeded` events and publishes a message for each.
  No worker runs meanwhile: handling is not accepting, and is measured as a task.
- `task_roundtrip` is `messages.send` where nothing is left to send; the no-op runs with the same worker settings
  (late acknowledgement, prefetch of one, no results, two processes). Messages are in Redis before a round starts.
- `mail_vs_plain_smtplib`: 600 confirmations with calendar files, promised by another process, 50 in a transaction, and
  sent by one worker of two processes to the sandbox's SMTP server; from the first commit to the last `250`. The plain
  one has one such message of the standard library, gives it the next recipient and Message-ID, and calls `send_message`
  on one connection. `same_bytes` is smtplib with 600 times the same bytes: what the server and the wire take.
  `mail_idle_latency_ms`: the median of 40 mails a round, each promised alone while nothing else is to do, from before
  its INSERT to its `250`.
- `upload_rss_growth_mb`: the most by which the resident memory of all gunicorn workers grew during 32 uploads of 10 MB
  at once, sampled every 10 ms, in 10^6 bytes. `cold_start_s`: from gunicorn's start to the first 200 of `/healthz`.
- `upload_bytes_vs_bare_stream`: the same JPEG of 10 MB by four clients at once; ours is a multipart form that is looked
  at, hashed, stored and written down, the bare one writes its body to the same disk. Both fsync before they answer.
- `janitor_deletes_per_s`: 10,000 files of 1 kB in 500 folders of the local storage, deleted by one worker from rows
  that are due, 50 at a time, until no row is left.
- `exports_per_s`: 3,000 events of one organization, delivered by one worker process over HTTP to a receiver that takes
  everything at once; from the message in the queue to the last row that says so.
- `retention_…`: half a million events and as many mails of one organization that are past their time, removed by
  `python -m worker.run retention`. `longest_statement_s` is of Postgres' own log; `delay_to_create_ms` is the p95 of
  `POST /v1/orders` at 20 per second in another organization meanwhile, less its p95 before.
- `csv_vs_bare_copy`: rows per second of `GET /v1/exports/orders.csv` with a million orders and 100,000 clients, from
  the request to the last chunk, uncompressed, against `COPY (SELECT …) TO STDOUT WITH CSV` of the same columns by
  psycopg2, which joins all at once and formats nothing. The rows lie in the table in no order; ours reads them in the
  order of their identifiers. `csv_rss_growth_mb`: by how much all gunicorn workers grew at most meanwhile.
- `slots_cpu_ms`: CPU time of the API for one `GET /v1/slots`, 31 days of 20 teams that have 3,100 orders, from the
  request to its JSON; each round is the median of 20 in a process of its own. Postgres' share is not in it.
- `list_…` and `board_week_of_500` are read one at a time over one connection, in an organization of 100,000 orders and
  10,000 clients, in a database of a million orders and 1,000 organizations; `list_of_10k` in a database of 10,000.
  `page_1000_vs_page_1` and `list_1m_vs_10k` are ratios of median latencies, round by round.
- `…_statements`: SQL statements of one request as the API's log counts them, those that travel with others included:
  the board of a week of 500 orders, 31 days of slots of 20 teams, an order with an estimate and a team placed by staff,
  and one booked by a client whom the company has not known before.
- `list_p95_in_flood_vs_quiet`: 10,000 wrong sign-ins in a minute, each for another account and from another address,
  while 25 lists of 50 are read each second; p95 of the lists over that of as long a time without the flood, latencies
  counted from when each was due. `sign_in_in_flood_s`: the longest that somebody at the address of those who read
  waited until they were signed in, in each round; a refused try was repeated after a second.
"""


def document(
    machine: Mapping[str, Any],
    versions: Mapping[str, str],
    rates: Mapping[str, Rate],
    values: Mapping[str, list[float]],
) -> dict[str, Any]:
    """What `var/bench/latest.json` holds."""
    verdicts = ratios(rates) | ceilings(values) | floors(values)
    return {
        "machine": dict(machine),
        "versions": dict(versions),
        "limits": {name: rate.as_json() for name, rate in rates.items() if name in LIMITS},
        "results": {name: rate.as_json() for name, rate in rates.items() if name not in LIMITS}
        | {name: {"median": verdicts[name].value, "rounds": rounds} for name, rounds in values.items()},
        "ratios": {name: verdict.as_json() for name, verdict in verdicts.items()},
    }


def page(
    machine: Mapping[str, Any],
    versions: Mapping[str, str],
    rates: Mapping[str, Rate],
    values: Mapping[str, list[float]],
) -> str:
    """The same as Markdown."""
    verdicts = ratios(rates) | ceilings(values) | floors(values)
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}"
    parts = [
        "# How far from the limit",
        "Written by `make bench ARGS=--write-docs`; do not edit.",
        _table(
            ["what", "measured", "target", "met", "rounds", "by CPU"],
            [_verdict_row(*item) for item in verdicts.items()],
        ),
        _table(
            ["path", "per second", "rounds", "p50 ms", "p95 ms", "p99 ms", "CPU µs"],
            [_rate_row(*item) for item in rates.items()],
        ),
        "## How it was measured",
        NOTES.rstrip(),
        "## Where",
        f"{where}. Load average before the run: {machine['load'][0]}.",
        ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _verdict_row(name: str, verdict: Verdict) -> list[str]:
    sign = "<" if name in CEILINGS else "≥"
    spread = f"{min(verdict.rounds):g} to {max(verdict.rounds):g}"
    met, by_cpu = "yes" if verdict.met else "**no**", "–" if verdict.by_cpu is None else f"{verdict.by_cpu:g}"
    return [f"`{name}`", f"{verdict.value:g}", f"{sign} {verdict.target:g}", met, spread, by_cpu]


def _rate_row(name: str, rate: Rate) -> list[str]:
    found = rate.as_json()
    spread = f"{min(rate.rounds):.0f} to {max(rate.rounds):.0f}"
    times = [f"{found[key]:.1f}" if key in found else "–" for key in ("p50_ms", "p95_ms", "p99_ms")]
    return [f"`{name}`", f"{rate.per_second:.0f}", spread, *times, f"{sum(rate.cpu_us.values()) or '–'}"]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
