"""Builds of the functions: how long they take, and what their binaries consist of.

The sources are copied and built apart, so that neither the files that are touched nor what was compiled
already are anybody else's."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

from bench import ROOT, STATE
from bench.cloud import log_file
from bench.contenders import MissingError, binary, functions, zipped
from bench.progress import Progress
from bench.spread import Spread
from local_cloud import tool

SOURCE = STATE / "source"
TARGET = STATE / "target"
TOOLS = ROOT / ".local" / "tools"

CARGO_BLOAT_VERSION = "0.12.1"

# What is changed for an incremental build: all members rest on it.
CHANGED = "crates/profile/src/lib.rs"

# Of the shell's own variables these would change what is built, or keep it from being built.
LEFT_OUT = {"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"}


def measure(*, quick: bool, progress: Progress) -> dict[str, Any]:
    """Seconds of the builds, and the parts of each binary."""
    result: dict[str, Any] = {"binaries": {name: sections(binary(name)) for name in functions()}}
    if quick:
        return {**result, "not_measured": {"builds, sizes by crate": "left out of a quick run"}}
    copy_sources()
    result["seconds"] = seconds(progress)
    try:
        result["crates"] = {name: by_crate(name, progress) for name in functions()}
    except MissingError as error:
        result["not_measured"] = {"sizes by crate": str(error)}
    shutil.rmtree(TARGET, ignore_errors=True)
    return result


def copy_sources() -> None:
    """The workspace as it is now."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    shutil.copytree(ROOT / "crates", SOURCE / "crates")
    for name in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(ROOT / name, SOURCE)


def seconds(progress: Progress) -> dict[str, Any]:
    """How long each build takes. Dependencies are downloaded beforehand."""
    cargo(["fetch", "--locked"])
    packages = [word for name in functions() for word in ("--package", name)]
    release = ["lambda", "build", "--release", "--locked", *packages]
    development = ["build", "--locked", *packages]
    builds = (
        ("clean, as they ship", release, False, 1),
        ("incremental, as they ship", release, True, 2),
        ("clean, development", development, False, 1),
        ("incremental, development", development, True, 5),
    )
    taken = {}
    for name, command, changes, runs in builds:
        times = []
        for _ in range(runs):
            progress.say(name)
            if changes:
                change()
            times.append(cargo(command))
        taken[name] = Spread.of(times).json()
        progress.note(f"{name}: {taken[name]['median']:.0f} s")
    return taken


def change() -> None:
    """Something that everybody could use: one constant more."""
    path = SOURCE / CHANGED
    content = path.read_text()
    path.write_text(f"{content}\n/// Added.\npub const ADDED_{len(content)}: usize = {len(content)};\n")


def cargo(arguments: list[str], **settings: str) -> float:
    """Runs cargo on the copy; gives the seconds."""
    tools = os.pathsep.join([str(Path(tool("cargo-lambda")).parent), str(TOOLS / "bin"), os.environ["PATH"]])
    inherited = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    environment = {**inherited, "PATH": tools, "CARGO_TARGET_DIR": str(TARGET), **settings}
    log = log_file(f"cargo-{arguments[0]}")
    begun = time.perf_counter()
    with log.open("wb") as output:
        done = subprocess.run(
            ["cargo", *arguments], cwd=SOURCE, env=environment, stdout=output, stderr=output
        )
    if done.returncode:
        raise MissingError(f"`cargo {' '.join(arguments)}` failed; see {log.relative_to(ROOT)}")
    return time.perf_counter() - begun


# -- what a binary consists of ----------------------------------------------------------------------------


def by_crate(function: str, progress: Progress) -> dict[str, Any]:
    """The code of a function by the crate that it comes from, by cargo-bloat."""
    cargo_bloat()
    progress.say(f"the crates of {function}")
    # Symbols tell where code comes from. With the system's linker it is 1 or 2 percent less than what ships.
    arguments = [
        "bloat",
        "--release",
        "--locked",
        "--crates",
        "--message-format=json",
        "-n",
        "0",
        "--package",
    ]
    cargo([*arguments, function], CARGO_PROFILE_RELEASE_STRIP="none")
    lines = (STATE / "logs" / "cargo-bloat.log").read_text().splitlines()
    told = json.loads(next(line for line in lines if line.startswith("{")))
    sizes = {each["name"]: each["size"] for each in told["crates"]}
    return {
        "text": told["text-section-size"],
        "crates": dict(sorted(sizes.items(), key=lambda each: -each[1])),
    }


def cargo_bloat() -> None:
    """Taken as it is where it is installed; else built here, once."""
    if shutil.which("cargo-bloat") or (TOOLS / "bin" / "cargo-bloat").exists():
        return
    print("==> cargo-bloat")
    environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
    wanted = ["--quiet", "--locked", "--root", str(TOOLS), f"cargo-bloat@{CARGO_BLOAT_VERSION}"]
    if subprocess.run(["cargo", "install", *wanted], env=environment).returncode:
        raise MissingError("cargo-bloat could not be installed")


KINDS = {
    ".text": "code",
    ".rodata": "constants",
    ".eh_frame": "unwinding",
    ".eh_frame_hdr": "unwinding",
    ".gcc_except_table": "unwinding",
    ".data.rel.ro": "tables of addresses",
    ".rela.dyn": "tables of addresses",
}


def sections(path: Path) -> dict[str, int]:
    """The bytes of a binary by what they are, from its section headers (ELF, 64 bits, little endian)."""
    content = path.read_bytes()
    (at,) = struct.unpack_from("<Q", content, 0x28)
    size, count, names = struct.unpack_from("<HHH", content, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", content, at + number * size) for number in range(count)]
    strings = headers[names][4]
    parts = {"code": 0, "constants": 0, "unwinding": 0, "tables of addresses": 0}
    for name, kind, _flags, _address, _offset, length in headers:
        text = content[strings + name : content.index(b"\0", strings + name)].decode()
        # Kind 8 takes no room in the file.
        if text in KINDS and kind != 8:
            parts[KINDS[text]] += length
    rest = len(content) - sum(parts.values())
    return {**parts, "the rest": rest, "bytes": len(content), "zip_bytes": zipped([(path, "bootstrap")])}
