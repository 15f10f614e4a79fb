"""`make bench`: measures, keeps the results, and writes the page anew."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import sys
from typing import Any

from bench import build, figures, page, provider, start, sweep
from bench.cloud import Cloud
from bench.contenders import MissingError
from bench.machine import machine
from bench.progress import Progress
from bench.runtime_api import FunctionFailedError, RuntimeApi
from local_cloud import CloudError, ending_cleanly

PARTS = ("start", "provider", "sweep", "build")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"of {', '.join(PARTS)}, with commas; or figures, or page")
    parser.add_argument("--quick", action="store_true", help="fewer runs; the results stay in .local/bench")
    arguments = parser.parse_args()
    chosen = [part for part in arguments.only.replace(",", " ").split() if part] or list(PARTS)
    if unknown := set(chosen) - {*PARTS, "figures", "page"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    try:
        measure(chosen, arguments.quick)
    except (CloudError, MissingError, FunctionFailedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def measure(chosen: list[str], quick: bool) -> None:
    """The parts that are chosen; what the others gave before stays."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(ending_cleanly())
        needs_cloud = {"start", "provider", "sweep", "figures"} & set(chosen)
        cloud = stack.enter_context(Cloud()) if needs_cloud else None
        api = stack.enter_context(RuntimeApi())
        for part in (*PARTS, "figures"):
            if part not in chosen:
                continue
            progress = Progress(part)
            if part == "build":
                measured: Any = build.measure(quick=quick, progress=progress)
            elif part == "figures":
                assert cloud is not None
                figures.write(cloud, api)
                continue
            else:
                assert cloud is not None
                module = {"start": start, "provider": provider, "sweep": sweep}[part]
                measured = module.measure(cloud, api, quick=quick, progress=progress)
            progress.done()
            page.keep(part, {"when": when(), "machine": machine(), "figures": measured}, quick)
    if chosen != ["figures"]:
        page.write(quick)


def when() -> str:
    """The day."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
