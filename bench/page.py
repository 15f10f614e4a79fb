"""Results as JSON, and the tables and pictures that are made from it.

``docs/performance.md`` is written by hand except for what stands between ``<!-- bench:NAME -->`` and
``<!-- /bench:NAME -->``. A quick run leaves it alone, and puts what it found into ``.local/bench/quick``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from bench import ROOT, STATE
from bench.contenders import functions
from bench.picture import Bar, Line, Panel, Plot, bars, plots
from bench.sweep import CALLS_A_SECOND, COUNTED, CUSTODIAN, EVERYTHING, ONE_RULE, SIZES, ways

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
        tables["sweep-limited"] = limited_table(figures["sweep"]["rows"])
        tables["sweep-calls"] = sweep_calls(figures["sweep"]["rows"])
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
    """The bars, and where we stand. A bar whose figures are not there says so."""
    rows: list[tuple[str, str, str, str]] = []

    def told(name: str, bar: str, measured: Callable[[], tuple[str, bool]]) -> None:
        try:
            text, is_reached = measured()
            rows.append((name, bar, text, "reached" if is_reached else "**missed**"))
        except KeyError:
            rows.append((name, bar, "", "not measured"))

    def first_poll(name: str) -> float:
        return float(figures["start"]["contenders"][name]["first_poll_ms"]["median"])

    def start() -> tuple[str, bool]:
        return f"{number(first_poll('provider'))} ms", first_poll("provider") <= 8

    def start_ratio() -> tuple[str, bool]:
        times = first_poll("crhelper + boto3") / first_poll("provider")
        return f"{number(times)} times", times >= 50

    def memory(name: str) -> tuple[str, bool]:
        taken = figures["start"]["contenders"][name]["peak_memory_mb"]["median"]
        return f"{number(taken)} MB", taken <= 15

    def package(name: str) -> tuple[str, bool]:
        size = figures["start"]["contenders"][name]["zip_bytes"]
        return f"{megabytes(size)} MB", size <= 2.5e6

    def calls_of_create() -> tuple[str, bool]:
        create = figures["provider"]["requests"]["Create"]
        calls, rounds = sum(create["calls"].values()), create["rounds"]
        return f"{calls} in {rounds} rounds", calls <= 9 and rounds <= 4

    def sweep(way: str, size: int) -> dict[str, Any]:
        usual = filter(is_usual, figures["sweep"]["rows"])
        return {(row["way"], row["profiles"]): row for row in usual}[way, size]

    def sweep_ratio() -> tuple[str, bool]:
        theirs, ours = (sweep(way, 1_000)["seconds"] for way in (CUSTODIAN, ONE_RULE))
        times = theirs["median"] / ours["median"]
        least, most = theirs["low"] / ours["high"], theirs["high"] / ours["low"]
        return f"{number(times)} times ({number(least)} to {number(most)})", times >= 20

    def sweep_calls() -> tuple[str, bool]:
        calls = of_bedrock_and_tagging(sweep(ONE_RULE, 1_000))
        return str(calls), calls <= 15

    def growth(key: str, unit: str) -> tuple[str, bool]:
        small, middle, large = (sweep(EVERYTHING, size)[key]["median"] for size in SIZES[1:])
        times = (large - middle) / (middle - small)
        values = ", ".join(number(value) for value in (small, middle, large))
        return f"{number(times)} times ({values} {unit})", times <= 12

    told("start to first poll, `provider`", "8 ms", start)
    told("the same, against crhelper + boto3", "50 times", start_ratio)
    for name in functions():
        told(f"peak memory after 100 requests, `{name}`", "15 MB", partial(memory, name))
    for name in functions():
        told(f"zipped package, `{name}`", "2.5 MB", partial(package, name))
    told("calls of a Create with a parameter", "9 in 4 rounds", calls_of_create)
    told("sweep of 1,000 profiles at 20 ms a call, against Cloud Custodian", "20 times", sweep_ratio)
    told("its calls of Bedrock and the tagging API", "15", sweep_calls)
    for name, key, unit in (("time", "seconds", "s"), ("memory", "peak_memory_mb", "MB")):
        told(
            f"{name} of a sweep, from 1,000 to 10,000 to 100,000 profiles",
            "linear: the second step 10 times the first (up to 12)",
            partial(growth, key, unit),
        )
    return table(("figure", "bar", "measured", ""), rows)


def is_usual(row: dict[str, Any]) -> bool:
    """Whether it is of the conditions that the bars name, and went well."""
    return bool(row["latency_ms"] == 20 and not row["calls_a_second"] and not row["trouble"])


def of_bedrock_and_tagging(row: dict[str, Any]) -> int:
    """How many calls of the two services that a row made."""
    return sum(count for name, count in row["calls"].items() if name.startswith(("bedrock:", "tag:")))


def machine_table(results: dict[str, Any]) -> str:
    """What it was measured on and with: one column, or one for each part where they differ."""
    machines = {part: results[part]["machine"] for part in results}
    alike = len({json.dumps(each, sort_keys=True) for each in machines.values()}) == 1
    columns = {"": next(iter(machines.values()))} if alike else machines
    names = list(dict.fromkeys(name for each in columns.values() for name in each))
    rows = [(name, *(each.get(name, "") for each in columns.values())) for name in names]
    if alike:
        rows.append(("measured", ", ".join(f"{part} {results[part]['when']}" for part in results)))
    else:
        rows.append(("measured", *(results[part]["when"] for part in results)))
    return table(("", *columns), rows)


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
                f"`{name}`" if each["is_ours"] else name,
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


def sweep_table(figures: dict[str, Any]) -> str:
    """A row for each way and size; where calls are not limited."""
    seen: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
    for row in figures["rows"]:
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
                *memory_and_calls(last),
                "" if last["trouble"] else f"{of_bedrock_and_tagging(last):,}",
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
    text = table(head, told)
    if counted := figures["instructions"].get(ONE_RULE):
        text += (
            f"\n\nBesides, {counted / 1e6:.0f} million instructions for the sweep of {COUNTED:,} profiles by "
            "one rule, its start included."
        )
    return text + not_measured(figures)


def seconds(row: dict[str, Any] | None) -> str:
    """The time of a row, or what kept it from its end."""
    if row is None:
        return ""
    return f"failed: {row['trouble']}" if row["trouble"] else spread(row["seconds"])


def memory_and_calls(row: dict[str, Any]) -> tuple[str, str]:
    """The most memory, and the number of calls."""
    if row["trouble"]:
        return "", ""
    return spread(row["peak_memory_mb"]), f"{sum(row['calls'].values()):,}"


def way_order(way: str) -> int:
    """Ours first, the script last."""
    return [each.name for each in ways()].index(way)


def limited_table(rows: list[dict[str, Any]]) -> str:
    """The same where no service answers more than so many calls a second."""
    told = [
        (
            f"{row['profiles']:,}",
            row["way"],
            seconds(row),
            *memory_and_calls(row),
            "" if row["trouble"] else f"{row['refused']:,}",
        )
        for row in rows
        if row["calls_a_second"] == CALLS_A_SECOND
    ]
    return table(("profiles", "", "s", "peak memory, MB", "calls", "of them refused"), told)


def sweep_calls(rows: list[dict[str, Any]]) -> str:
    """Which calls each way makes for 1,000 profiles."""
    chosen = {row["way"]: row["calls"] for row in rows if row["profiles"] == 1_000 and is_usual(row)}
    if not chosen:
        return ""
    names = sorted({name for calls in chosen.values() for name in calls})
    table_rows = (
        (f"`{name}`", *(f"{calls[name]:,}" if name in calls else "" for calls in chosen.values()))
        for name in names
    )
    return table(("call", *chosen), table_rows)


def build_table(figures: dict[str, Any]) -> str:
    """Seconds of the builds."""
    rows = ((name, spread(taken)) for name, taken in figures.get("seconds", {}).items())
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
        drawn["sweep"] = sweep_picture(figures["sweep"]["rows"])
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
            bar(name, each[key], unit, OURS if each["is_ours"] else THEIRS)
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
    sizes = Counter(row["way"] for row in usual)
    # One size alone makes no line.
    shown_ways = sorted((way for way, count in sizes.items() if count > 1), key=way_order)
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
                colour=max(0, shown_ways.index(way) - 1),
                dashed=way == EVERYTHING,
            )
            for way in shown_ways
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
    return bars("What the binaries consist of", panels, of_one_kind=True)
