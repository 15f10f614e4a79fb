"""Results as JSON, and the tables and pictures that are made from it.

``docs/performance.md`` is written by hand except for what stands between ``<!-- bench:NAME -->`` and
``<!-- /bench:NAME -->``. A quick run leaves it alone, and puts what it found into ``.local/bench/quick``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import ROOT, STATE
from bench.picture import Bar, Line, Panel, Plot, bars, plots
from bench.sweep import CALLS_A_SECOND, EVERYTHING, ONE_RULE

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "docs" / "performance"
QUICK = STATE / "quick"

OURS, THEIRS = 0, 1


def place(quick: bool) -> Path:
    """Where results go."""
    return QUICK if quick else RESULTS


def keep(part: str, result: dict[str, Any], quick: bool) -> None:
    """Puts a part's results in the place of those before."""
    folder = place(quick)
    folder.mkdir(parents=True, exist_ok=True)
    results = {**load(quick), part: result}
    text = json.dumps({name: results[name] for name in sorted(results)}, indent=1) + "\n"
    (folder / "results.json").write_text(text)


def load(quick: bool) -> dict[str, Any]:
    """All results so far."""
    path = place(quick) / "results.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write(quick: bool) -> None:
    """The page and its pictures."""
    results = load(quick)
    if not results:
        return
    for name, picture in pictures(results).items():
        (place(quick) / f"{name}.svg").write_text(picture)
    tables = written(results)
    if quick:
        text = "\n\n".join(f"## {name}\n\n{table}" for name, table in tables.items())
        (QUICK / "tables.md").write_text(text + "\n")
        print(
            f"\n{text}\n\nA quick run: {(QUICK / 'tables.md').relative_to(ROOT)} and results.json beside it."
        )
        return
    text = PAGE.read_text()
    for name, table in tables.items():
        pattern = rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)"
        text, found = re.subn(
            pattern, lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text, flags=re.S
        )
        assert found == 1, f"docs/performance.md has no place for {name}"
    PAGE.write_text(text)
    print(f"\nwritten: {PAGE.relative_to(ROOT)}, {RESULTS.relative_to(ROOT)}/")


def written(results: dict[str, Any]) -> dict[str, str]:
    """Every table, by the name of its place."""
    figures = {part: results[part]["figures"] for part in results}
    tables = {"bars": bar_table(figures), "machine": machine_table(results)}
    if "start" in figures:
        tables["start"] = start_table(figures["start"])
    if "provider" in figures:
        tables["provider"] = provider_table(figures["provider"])
        tables["calls"] = provider_calls(figures["provider"])
    if "sweep" in figures:
        tables["sweep"] = sweep_table(figures["sweep"])
        tables["sweep-limited"] = limited_table(figures["sweep"])
        tables["sweep-calls"] = sweep_calls(figures["sweep"])
    if "build" in figures:
        tables["build"] = build_table(figures["build"])
        tables["binary"] = binary_table(figures["build"])
    return tables


# -- small things ------------------------------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.{1 if value >= 10 else 2}f}"


def spread(figures: dict[str, float], times: float = 1) -> str:
    """The median, and the quartiles where there are enough runs for them."""
    median = number(figures["median"] * times)
    if figures["runs"] < 3:
        return median
    return f"{median} ({number(figures['low'] * times)} to {number(figures['high'] * times)})"


def megabytes(size: float) -> str:
    """Of 10^6 bytes."""
    return f"{size / 1e6:.2f}" if size >= 1e5 else f"{size / 1e6:.3f}"


def not_measured(figures: dict[str, Any]) -> str:
    """What this machine could not measure, and why."""
    missing = figures.get("not_measured", {})
    return "".join(f"\n\nNot measured: {name} ({why})." for name, why in missing.items())


# -- tables ------------------------------------------------------------------------------------------------


def bar_table(figures: dict[str, Any]) -> str:
    """The bars, and where we stand."""
    rows: list[tuple[str, str, str, bool]] = []
    if "start" in figures:
        contenders = figures["start"]["contenders"]
        ours = {name: each for name, each in contenders.items() if "+" not in name}
        provider = contenders["provider"]["first_poll_ms"]["median"]
        rows.append(("start to first poll, `provider`", "8 ms", f"{number(provider)} ms", provider <= 8))
        if peer := contenders.get("crhelper + boto3"):
            times = peer["first_poll_ms"]["median"] / provider
            rows.append(
                ("the same, against crhelper + boto3", "50 times", f"{number(times)} times", times >= 50)
            )
        for name, each in ours.items():
            if "peak_memory_mb" in each:
                memory = each["peak_memory_mb"]["median"]
                rows.append(
                    (
                        f"peak memory after 100 requests, `{name}`",
                        "15 MB",
                        f"{number(memory)} MB",
                        memory <= 15,
                    )
                )
        for name, each in ours.items():
            size = each["zip_bytes"]
            rows.append((f"zipped package, `{name}`", "2.5 MB", f"{megabytes(size)} MB", size <= 2.5e6))
    if "provider" in figures:
        create = figures["provider"]["requests"]["Create"]
        calls, rounds = sum(create["calls"].values()), create["rounds"]
        told = f"{calls} in {rounds} rounds"
        rows.append(("calls of a Create with a parameter", "9 in 4 rounds", told, calls <= 9 and rounds <= 4))
    if "sweep" in figures:
        found = {(row["way"], row["profiles"]): row for row in figures["sweep"] if is_usual(row)}
        ours_of = {size: row for (way, size), row in found.items() if way == ONE_RULE}
        peer = found.get(("Cloud Custodian, missing tag", 1_000))
        if peer and 1_000 in ours_of:
            times = peer["seconds"]["median"] / ours_of[1_000]["seconds"]["median"]
            rows.append(
                (
                    "sweep of 1,000 profiles at 20 ms a call, against Cloud Custodian",
                    "20 times",
                    f"{number(times)} times",
                    times >= 20,
                )
            )
            asked = ours_of[1_000]["calls"]
            calls = sum(count for name, count in asked.items() if name.startswith(("bedrock:", "tag:")))
            rows.append(("its calls of Bedrock and the tagging API", "15", str(calls), calls <= 15))
        everything = {size: row for (way, size), row in found.items() if way == EVERYTHING}
        if {1_000, 100_000} <= everything.keys():
            small, large = everything[1_000], everything[100_000]
            for name, key, unit in (("time", "seconds", "s"), ("memory", "peak_memory_mb", "MB")):
                before, after = small[key]["median"], large[key]["median"]
                rows.append(
                    (
                        f"{name} of a sweep from 1,000 to 100,000 profiles",
                        "linear: at most 100 times",
                        f"{number(after / before)} times ({number(before)} to {number(after)} {unit})",
                        after / before <= 100,
                    )
                )
    return table(
        ("figure", "bar", "measured", ""),
        ((name, bar, value, "reached" if reached else "**missed**") for name, bar, value, reached in rows),
    )


def is_usual(row: dict[str, Any]) -> bool:
    """Whether it is of the conditions that the bars name."""
    return bool(row["latency_ms"] == 20 and not row["calls_a_second"])


def machine_table(results: dict[str, Any]) -> str:
    """What it was measured on and with; parts may have been measured on different days."""
    days = ", ".join(f"{part} {results[part]['when']}" for part in results)
    newest = max(results.values(), key=lambda result: str(result["when"]))
    return table(("", ""), [*newest["machine"].items(), ("measured", days)])


def start_table(figures: dict[str, Any]) -> str:
    """A row for each function and peer."""
    rows = []
    for name, each in figures["contenders"].items():
        size = megabytes(each["zip_bytes"])
        if each["zip_bytes"] != each["zip_with_sdk_bytes"]:
            size = f"{size}, with the SDK {megabytes(each['zip_with_sdk_bytes'])}"
        some = "first_request_ms" in each
        rows.append(
            (
                f"`{name}`" if "+" not in name else name,
                spread(each["first_poll_ms"]),
                spread(each["first_request_ms"]) if some else "",
                spread(each["hundredth_request_ms"]) if some else "",
                spread(each["peak_memory_mb"]) if some else "",
                size,
            )
        )
    head = ("", "first poll, ms", "first request, ms", "100th request, ms", "peak memory, MB", "zip, MB")
    return table(head, rows) + not_measured(figures)


def provider_table(figures: dict[str, Any]) -> str:
    """A row for each request."""
    instructions = figures.get("instructions", {})
    rows = []
    for name, each in figures["requests"].items():
        rows.append(
            (
                name,
                spread(each["ms_at_0"]),
                spread(each["ms_at_20"]),
                str(sum(each["calls"].values())),
                str(each["rounds"]),
                f"{instructions[name] / 1e6:.1f}" if name in instructions else "",
            )
        )
    for name, each in figures["peers"].items():
        calls = str(sum(each["calls"].values()))
        times = (spread(each["ms_at_0"]), spread(each["ms_at_20"]))
        rows.append((f"Create, {name}", *times, calls, str(each["rounds"]), ""))
    head = ("request", "ms at 0 ms a call", "ms at 20 ms a call", "calls", "rounds", "million instructions")
    text = table(head, rows)
    if instructions:
        text += (
            f"\n\nBesides, {instructions['start'] / 1e6:.1f} million instructions from the start to the "
            f"first poll, and {instructions['first Create'] / 1e6:.1f} million for a process's first Create."
        )
    return text + not_measured(figures)


def provider_calls(figures: dict[str, Any]) -> str:
    """Which calls each request makes."""
    requests = figures["requests"]
    names = sorted({name for each in requests.values() for name in each["calls"]})
    rows = (
        (f"`{name}`", *(str(each["calls"].get(name, "")) for each in requests.values())) for name in names
    )
    return table(("call", *requests), rows)


def sweep_table(rows: list[dict[str, Any]]) -> str:
    """A row for each way and size; where calls are not limited."""
    seen: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
    for row in rows:
        if not row["calls_a_second"]:
            seen.setdefault((row["way"], row["profiles"]), {})[row["latency_ms"]] = row
    told = []
    for (way, size), by_latency in sorted(seen.items(), key=lambda each: (each[0][1], way_order(each[0][0]))):
        last = by_latency[max(by_latency)]
        told.append(
            (
                f"{size:,}",
                way,
                *(seconds(by_latency.get(latency)) for latency in (0, 20)),
                spread(last["peak_memory_mb"]),
                f"{sum(last['calls'].values()):,}",
                f"{sum(n for name, n in last['calls'].items() if name.startswith(('bedrock:', 'tag:'))):,}",
            )
        )
    head = (
        "profiles",
        "",
        "s at 0 ms a call",
        "s at 20 ms a call",
        "peak memory, MB",
        "calls",
        "of Bedrock and tagging",
    )
    return table(head, told)


def seconds(row: dict[str, Any] | None) -> str:
    """The time of a row, or what kept it from its end."""
    if row is None:
        return ""
    return spread(row["seconds"]) + (f"; {row['trouble']}" if row["trouble"] else "")


def way_order(way: str) -> int:
    """Ours first."""
    return (not way.startswith("sweep")) * 2 + (way == EVERYTHING or way == "boto3 script")


def limited_table(rows: list[dict[str, Any]]) -> str:
    """The same where no service answers more than so many calls a second."""
    told = [
        (
            f"{row['profiles']:,}",
            row["way"],
            seconds(row),
            f"{sum(row['calls'].values()):,}",
            f"{row['refused']:,}",
        )
        for row in rows
        if row["calls_a_second"] == CALLS_A_SECOND
    ]
    return table(("profiles", "", "s", "calls", "of them refused"), told)


def sweep_calls(rows: list[dict[str, Any]]) -> str:
    """Which calls each way makes for 1,000 profiles."""
    chosen = {row["way"]: row["calls"] for row in rows if row["profiles"] == 1_000 and is_usual(row)}
    names = sorted({name for calls in chosen.values() for name in calls})
    table_rows = (
        (f"`{name}`", *(f"{calls[name]:,}" if name in calls else "" for calls in chosen.values()))
        for name in names
    )
    return table(("call", *chosen), table_rows)


def build_table(figures: dict[str, Any]) -> str:
    """Seconds of the builds."""
    rows = ((name, number(taken)) for name, taken in figures.get("seconds", {}).items())
    return table(("build of all functions", "s"), rows) + not_measured(figures)


def binary_table(figures: dict[str, Any]) -> str:
    """What the binaries consist of, and the largest crates of their code."""
    binaries = figures["binaries"]
    kinds = list(next(iter(binaries.values())))
    text = table(
        ("KB", *(f"`{name}`" for name in binaries)),
        (
            (
                {"bytes": "binary", "zip_bytes": "zipped"}.get(kind, kind),
                *(f"{each[kind] / 1000:,.0f}" for each in binaries.values()),
            )
            for kind in kinds
        ),
    )
    crates = figures.get("crates", {})
    if not crates:
        return text
    sums: dict[str, int] = {}
    for each in crates.values():
        for name, size in each["crates"].items():
            sums[name] = max(sums.get(name, 0), size)
    largest = sorted(sums, key=lambda name: -sums[name])[:20]
    rows = [
        (f"`{name}`", *(f"{each['crates'].get(name, 0) / 1000:,.0f}" for each in crates.values()))
        for name in largest
    ]
    others = [
        sum(size for name, size in each["crates"].items() if name not in largest) for each in crates.values()
    ]
    rows.append(("all others", *(f"{size / 1000:,.0f}" for size in others)))
    head = ("code by crate, KB", *(f"`{name}`" for name in crates))
    return f"{text}\n\n{table(head, rows)}"


# -- pictures ----------------------------------------------------------------------------------------------


def pictures(results: dict[str, Any]) -> dict[str, str]:
    """Each picture, by its name."""
    figures = {part: results[part]["figures"] for part in results}
    drawn = {}
    if "start" in figures:
        drawn["start"] = start_picture(figures["start"]["contenders"])
    if "provider" in figures:
        drawn["provider"] = provider_picture(figures["provider"])
    if "sweep" in figures:
        drawn["sweep"] = sweep_picture(figures["sweep"])
    if "build" in figures:
        drawn["binary"] = binary_picture(figures["build"]["binaries"])
    return drawn


def bar(name: str, figures: dict[str, float], unit: str, colour: int) -> Bar:
    """A bar with its spread."""
    label = f"{number(figures['median'])} {unit}"
    return Bar(name, figures["median"], label, colour, figures["low"], figures["high"])


def start_picture(contenders: dict[str, Any]) -> str:
    """First poll and memory."""
    panels = []
    for title, key, unit in (
        ("From the start of the process to its first poll", "first_poll_ms", "ms"),
        ("First request", "first_request_ms", "ms"),
        ("Most memory, 100 requests", "peak_memory_mb", "MB"),
    ):
        shown = [
            bar(name, each[key], unit, THEIRS if "+" in name else OURS)
            for name, each in contenders.items()
            if key in each
        ]
        panels.append(Panel(title, shown))
    return bars("Start and memory", panels)


def provider_picture(figures: dict[str, Any]) -> str:
    """The requests at 20 ms a call, and without."""
    panels = []
    for latency in (0, 20):
        key = f"ms_at_{latency}"
        shown = [bar(name, each[key], "ms", OURS) for name, each in figures["requests"].items()]
        shown += [bar(f"Create, {name}", each[key], "ms", THEIRS) for name, each in figures["peers"].items()]
        panels.append(Panel(f"A request, where a call of AWS takes {latency} ms", shown))
    return bars("Requests of the provider", panels)


def sweep_picture(rows: list[dict[str, Any]]) -> str:
    """Time and memory by the size of the account."""
    usual = sorted(filter(is_usual, rows), key=lambda row: row["profiles"])
    ways = sorted({row["way"] for row in usual}, key=way_order)
    shown = []
    for title, key, unit, limit in (
        ("Time, where a call of AWS takes 20 ms", "seconds", "s", None),
        ("Most memory", "peak_memory_mb", "MB", (256.0, "what the function has")),
    ):
        lines = [
            Line(
                way,
                [(row["profiles"], row[key]["median"]) for row in usual if row["way"] == way],
                # Ours have one colour.
                colour=max(0, ways.index(way) - 1),
                dashed=way == EVERYTHING,
            )
            for way in ways
        ]
        shown.append(Plot(title, lines, unit, limit))
    return plots("The sweep by the size of the account", shown)


def binary_picture(binaries: dict[str, Any]) -> str:
    """What the binaries consist of."""
    panels = [
        Panel(
            f"{name}: {megabytes(each['bytes'])} MB, zipped {megabytes(each['zip_bytes'])} MB",
            [
                Bar(kind, size, f"{megabytes(size)} MB")
                for kind, size in each.items()
                if kind not in ("bytes", "zip_bytes")
            ],
        )
        for name, each in binaries.items()
    ]
    return bars("What the binaries consist of", panels)
