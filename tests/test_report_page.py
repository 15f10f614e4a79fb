"""The report, opened in a real browser. Where there is none, these tests are skipped."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import struct
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_cloud import STACK, LocalCloud
from seeded import SCRIPT, Seeded

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no browser is installed here (Debian, Ubuntu: apt-get install chromium)"
)

# A setting of the browser, as a person makes it; the switch for it stops the headless mode itself.
WITHOUT_SCRIPTS = {"profile": {"default_content_setting_values": {"javascript": 2}}}
# What the browser asks for on its own account.
OF_BROWSER = ("google.com", "googleapis.com", "gvt1.com")

PHONE = 390

Browse = Callable[..., str]


class Proxy(http.server.ThreadingHTTPServer):
    """Notes what a browser asks the network for, and gives it nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Nothing)
        self.asked: list[str] = []

    def of_page(self) -> list[str]:
        """What a page asked for."""
        hosts = {each: urlsplit(each if "://" in each else f"//{each}").hostname for each in self.asked}
        return [each for each, host in hosts.items() if not (host or "").endswith(OF_BROWSER)]


class Nothing(http.server.BaseHTTPRequestHandler):
    """The requests of :class:`Proxy`."""

    server: Proxy

    def refuse(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(502)

    do_GET = do_POST = do_HEAD = do_CONNECT = refuse  # noqa: N815 - the names are inherited

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        pass


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """All that the browser asks the network for."""
    with Proxy() as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


@pytest.fixture
def browse(proxy: Proxy, tmp_path: Path) -> Browse:
    """Runs the browser on a file; gives what it printed."""
    proxy.asked.clear()

    def run(file: Path, *options: str, scripts: bool = True) -> str:
        data = tmp_path / ("browser" if scripts else "browser without scripts")
        (data / "Default").mkdir(parents=True, exist_ok=True)
        (data / "Default" / "Preferences").write_text(json.dumps({} if scripts else WITHOUT_SCRIPTS))
        done = subprocess.run(
            [
                str(BROWSER),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--disable-features=MediaRouter,OptimizationHints,Translate",
                "--allow-file-access-from-files",
                f"--user-data-dir={data}",
                f"--proxy-server=127.0.0.1:{proxy.server_address[1]}",
                *options,
                file.as_uri(),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def report(seeded: Seeded) -> dict[str, Any]:
    """What the page is made from: a sweep of an account with something to find for every rule."""
    seeded.cloud.sweep({"dryRun": True})
    report: dict[str, Any] = json.loads(stored(seeded.cloud, "report.json"))
    return report


@pytest.fixture(scope="module")
def page(seeded: Seeded, report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, as S3 has it."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    page.write_bytes(stored(seeded.cloud, "report.html"))
    return page


def stored(cloud: LocalCloud, key: str) -> bytes:
    """An object of the report bucket."""
    resource = cloud.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="ReportBucket"
    )
    bucket = resource["StackResourceDetail"]["PhysicalResourceId"]
    return bytes(cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


class Page(HTMLParser):
    """What a page shows, and what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.references: list[tuple[str, str]] = []
        self._hidden = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("style", "script", "title"):
            self._hidden = tag
        self.references += [
            (tag, value or "") for key, value in attrs if key in ("src", "href", "srcset", "data")
        ]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All of it, with single spaces."""
        return squeezed(" ".join(self.texts))


def squeezed(text: str) -> str:
    """With no spaces at all: where a page may break a line, it has more of them than the data."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


def test_all_of_it_can_be_read_without_scripts(page: Path, report: dict[str, Any], browse: Browse) -> None:
    shown = Page(browse(page, "--dump-dom", scripts=False))
    assert len(report["findings"]) > 50
    for finding in report["findings"]:
        for part in (finding["rule"], finding["resource"]["name"], finding["problem"], finding["remedy"]):
            assert squeezed(part) in shown.text, part
    rows = report["regions"][0]["inventory"]
    assert len(rows) > 100
    for row in rows:
        for part in (row["name"], row["id"], row["model"], row["owner"] or "", row["parameter"] or ""):
            assert squeezed(part) in shown.text, part
    assert shown.tags.count("svg") >= 2, "charts of findings by rule and of usage by profile"
    assert shown.tags.count("table") >= 1


def test_nothing_comes_from_outside(page: Path, browse: Browse, proxy: Proxy, tmp_path: Path) -> None:
    shown = Page(page.read_text())
    outside = [each for each in shown.references if each[0] != "a" and not each[1].startswith(("#", "data:"))]
    assert outside == []
    assert "@import" not in page.read_text()
    browse(page, "--dump-dom")
    assert proxy.of_page() == []
    # A page that does load something is caught.
    other = tmp_path / "other.html"
    other.write_text('<img src="http://example.com/pixel.png">')
    browse(other, "--dump-dom")
    assert proxy.of_page() == ["http://example.com/pixel.png"]


def test_without_scripts_means_without_scripts(page: Path, browse: Browse) -> None:
    other = page.with_name("scripted.html")
    other.write_text("<title>x</title><script>document.title = 'run'</script>")
    assert "<title>x</title>" in browse(other, "--dump-dom", scripts=False)
    assert "<title>run</title>" in browse(other, "--dump-dom")


def test_what_others_wrote_is_text_and_no_script(page: Path, browse: Browse) -> None:
    text = page.read_text()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', text)
    assert policy
    assert "default-src 'none'" in policy.group(0)
    # It would be text without that policy, too.
    lenient = page.with_name("lenient.html")
    lenient.write_text(text.replace(policy.group(0), ""))
    dom = browse(lenient, "--dump-dom")
    assert "<title>run</title>" not in dom
    assert squeezed(SCRIPT) in Page(dom).text
    assert "script" not in Page(dom).tags
    # A page that takes it for a script is caught.
    careless = page.with_name("careless.html")
    careless.write_text(f"<title>x</title>{SCRIPT}")
    assert "<title>run</title>" in browse(careless, "--dump-dom")


def scanlines(image: Path) -> tuple[int, int, int]:
    """Width, height and the number of different lines of a PNG."""
    data = image.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, packed, header = 8, b"", b""
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        content = data[position + 8 : position + 8 + length]
        header = content if kind == b"IHDR" else header
        packed += content if kind == b"IDAT" else b""
        position += length + 12
    width, height = struct.unpack(">II", header[:8])
    pixels = zlib.decompress(packed)
    size = len(pixels) // height
    return width, height, len({pixels[n * size : (n + 1) * size] for n in range(height)})


def test_it_is_drawn(page: Path, browse: Browse, tmp_path: Path) -> None:
    image, blank = tmp_path / "page.png", tmp_path / "blank.png"
    browse(page, "--window-size=1200,1600", f"--screenshot={image}", scripts=False)
    width, height, different = scanlines(image)
    assert (width, height) == (1200, 1600)
    assert different > height / 4
    empty = tmp_path / "empty.html"
    empty.write_text("<title>empty</title>")
    browse(empty, "--window-size=1200,1600", f"--screenshot={blank}")
    assert scanlines(blank)[2] < 5, "a blank page would be noticed"


def test_it_fits_a_phone(page: Path, browse: Browse) -> None:
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<iframe id="phone" src="{page.name}" width="{PHONE}" height="800" style="border: 0"></iframe>'
        "<script>onload = () => { const page = document.getElementById('phone').contentDocument;"
        "const { scrollWidth, clientWidth } = page.documentElement;"
        "document.title = `${scrollWidth} of ${clientWidth}` }</script>"
    )
    dom = browse(frame, "--dump-dom")
    found = re.search(r"<title>(\d+) of (\d+)</title>", dom)
    assert found, dom[:300]
    assert int(found.group(2)) > PHONE - 30
    assert int(found.group(1)) <= PHONE


def test_it_can_be_printed(page: Path, browse: Browse, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
    assert 2 <= pages <= 60
