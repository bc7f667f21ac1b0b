"""Rebuild this folder from npm: ``python static/vendor/vendor.py``.

Each package is fetched by ``npm pack`` at a pinned version, checked against its
SHA-512, and reduced to the files the pages use and its licence. The icon sprite
``icons.svg`` holds the icons named in templates and those listed in ``icons.txt``
(names that Python code or data passes to the ``icon`` macro).
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent
ROOT = VENDOR.parent.parent
TEMPLATES = ROOT / "templates"
SPRITE = VENDOR / "icons.svg"

ICON_CALL = re.compile(r"""\bicon\(\s*(['"])([a-z0-9-]+)\1""")
SVG_BODY = re.compile(r"<svg[^>]*viewBox=\"([^\"]+)\"[^>]*>(.*)</svg>", re.DOTALL)


@dataclass(frozen=True)
class Package:
    """One npm package: its pin, the files kept, and the folder they are kept in."""

    name: str
    version: str
    sha512: str
    files: tuple[str, ...]
    folder: Path | None = None
    cut: re.Pattern[str] | None = None  # taken out of the files, where it stands just once

    @property
    def target(self) -> Path:
        return self.folder or VENDOR / f"{self.name}-{self.version}"


BOOTSTRAP = Package(
    "bootstrap",
    "5.3.9",
    "db4714d2b71fc3c59dc6d55b99f53ec53d848ef553c3d468aff87542f77b0d70"
    "ae8d183c38ef667410ac9931dd2457f706e69d981349b6022e517b01a92924ff",
    ("dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js", "LICENSE"),
)
TOM_SELECT = Package(
    "tom-select",
    "2.6.2",
    "7a25c8924f365f3cd44ce5500c5a72f9919e8eea9d4ef32e93253279905068a9"
    "ea5b8d94a13893667ae877f797d2b92a244738ad963d0d9df3763574ee2dbdc1",
    ("dist/css/tom-select.min.css", "dist/js/tom-select.complete.min.js", "LICENSE"),
)
ICONS = Package(
    "bootstrap-icons",
    "1.13.2",
    "7c05352f2ddd1fb870460f8207c119d159747c5f34ce05c7794549c9f50e2b3a"
    "1446bf936f02126c25b9b4a52840b111696606d9e9930b26dc3db0fdea1743d4",
    ("LICENSE",),
)
FULLCALENDAR = Package(
    "fullcalendar",
    "6.1.21",
    "c866617e54267c224a9a63a5c09710d0c3cd01800189e6a2269f4069180704c4"
    "48531340f9515aea69086d53698dd499232f406361f0b5e4ede7cb49fb792db9",
    ("index.global.min.js", "LICENSE.md"),
    # Its icons: a font inside the style sheet, which our Content-Security-Policy refuses. We draw our own.
    cut=re.compile(r"@font-face\{font-family:fcicons;[^}]*\}"),
)
SWAGGER_UI = Package(  # the page of the API's document
    "swagger-ui-dist",
    "5.35.0",
    "534eaba4cb56f55dd73c638179a993512af4674f63317e0826e00da44fc465b0"
    "21c341bc0a0c2bcd4e18997927fe1d3008336c5dd19aad334d1c2dec53cc9551",
    ("swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE"),
)
SOCKET_IO = Package(  # what notifications arrive by
    "socket.io-client",
    "4.8.4",
    "ef08ca02f55760e26c6e65209166e784f0f86c5a64aab511d3ef973a3a46166a"
    "83aaca95d4223ddd54eb69e1312f1a63c44aab5a016849166ed628632d67e400",
    ("dist/socket.io.esm.min.js", "LICENSE"),
)
AXE = Package(  # for the tests only: never served
    "axe-core",
    "4.14.1",
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5",
    ("axe.min.js", "LICENSE", "LICENSE-3RD-PARTY.txt"),
    folder=ROOT / "tests" / "support" / "axe",
)
PACKAGES = (BOOTSTRAP, TOM_SELECT, FULLCALENDAR, SWAGGER_UI, SOCKET_IO, ICONS, AXE)


def fetch(package: Package, scratch: Path) -> Path:
    """Download, check and unpack one package; return its unpacked folder."""
    subprocess.run(
        ["npm", "pack", f"{package.name}@{package.version}", "--silent"],
        cwd=scratch,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    archive = scratch / f"{package.name}-{package.version}.tgz"
    if hashlib.sha512(archive.read_bytes()).hexdigest() != package.sha512:
        raise SystemExit(f"{archive.name}: not the file that was pinned")
    folder = scratch / package.name
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def keep(package: Package, unpacked: Path) -> None:
    """Copy the files the portal uses, flat, and drop what an older version left."""
    if package.folder is None:
        for old in VENDOR.glob(f"{package.name}-[0-9]*"):
            shutil.rmtree(old)
    package.target.mkdir(parents=True, exist_ok=True)
    for name in package.files:
        shutil.copyfile(unpacked / name, package.target / Path(name).name)
    if package.cut:
        cut_out(package.cut, package.target / Path(package.files[0]).name)


def cut_out(what: re.Pattern[str], file: Path) -> None:
    """Take the one place that matches out of the file."""
    text, found = what.subn("", file.read_text())
    if found != 1:
        raise SystemExit(f"{file.name}: {what.pattern!r} stands there {found} times, not once")
    file.write_text(text)


def icon_names() -> list[str]:
    """Names drawn by templates, and those in icons.txt, sorted."""
    names = set((VENDOR / "icons.txt").read_text().split())
    for template in TEMPLATES.rglob("*.html"):
        names.update(match[1] for match in ICON_CALL.findall(template.read_text()))
    return sorted(names)


def symbol(name: str, icons: Path) -> str:
    """One icon as a <symbol>."""
    source = icons / f"{name}.svg"
    if not source.exists():
        raise SystemExit(f"bootstrap-icons has no icon named {name!r}")
    match = SVG_BODY.search(source.read_text())
    if match is None:
        raise SystemExit(f"{source.name}: not the SVG that was expected")
    body = " ".join(match[2].split())
    return f'<symbol id="{name}" viewBox="{match[1]}">{body}</symbol>'


def build_sprite(icons: Path) -> int:
    """Write icons.svg; return how many icons it holds."""
    symbols = [symbol(name, icons) for name in icon_names()]
    lines = "\n".join(symbols)
    SPRITE.write_text(
        "<!-- Bootstrap Icons (MIT), built by vendor.py -->\n"
        f'<svg xmlns="http://www.w3.org/2000/svg">\n{lines}\n</svg>\n'
    )
    return len(symbols)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for package in PACKAGES:
            unpacked = fetch(package, scratch)
            keep(package, unpacked)
            print(f"{package.name} {package.version}")
            if package is ICONS:
                print(f"icons.svg: {build_sprite(unpacked / 'icons')} icons")
    return 0


if __name__ == "__main__":
    sys.exit(main())
