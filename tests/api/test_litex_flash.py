"""The image of the firmware for the flash is one that the code of LiteX's BIOS takes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from naas_hw.core.resources import template_folder
from naas_hw.system.tools import require_tool

pytestmark = [pytest.mark.takes_seconds, pytest.mark.needs("litex", "g++")]

WRITE = """
import sys
from pathlib import Path
from naas_litex import write_boot_image

print(write_boot_image(Path(sys.argv[1]), int(sys.argv[2])))
"""

READ = """
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#define MMPTR(address) (*(volatile uint32_t *)(uintptr_t)(address))
unsigned int crc32(const unsigned char *bytes, unsigned int length);
FUNCTION
int main(int argc, char **words)
{
    void *flash = mmap(0, 1 << 25, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    FILE *file = fopen(words[1], "rb");
    fread(flash, 1, 1 << 25, file);
    printf("%u\\n", check_image_in_flash((unsigned int)(uintptr_t)flash));
    return 0;
}
"""


@pytest.fixture(scope="module")
def bios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints the length that the BIOS finds in an image; 0: it refuses it."""
    software = require_tool("litex") / "soc" / "software"
    text = (software / "bios" / "boot.c").read_text()
    function = re.search(r"^static unsigned int check_image_in_flash.*?^}", text, re.M | re.S)
    assert function is not None
    place = tmp_path_factory.mktemp("bios")
    (place / "read.c").write_text(READ.replace("FUNCTION", function[0]))
    libbase = software / "libbase"
    command = ["gcc", "-w", "-I", str(libbase), "-I", str(libbase.parent / "include")]
    command += ["-o", str(place / "read"), str(place / "read.c"), str(libbase / "crc32.c")]
    subprocess.run(command, check=True)
    return place / "read"


def length_found(bios: Path, image: Path) -> int:
    done = subprocess.run([str(bios), str(image)], capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def write_image(firmware: Path, flash_bytes: int = 1 << 24) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WRITE, str(firmware), str(flash_bytes)],
        env={**os.environ, "PYTHONPATH": str(template_folder() / "litex")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("size", [32, 33, 100_003])
def test_the_bios_takes_the_image_and_no_damaged_one(size: int, bios: Path, tmp_path: Path) -> None:
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(bytes(i * 7 % 251 for i in range(size)))
    done = write_image(firmware)
    image = tmp_path / "firmware.fbi"
    assert done.stdout.strip() == str(image), done.stderr
    content = image.read_bytes()
    assert length_found(bios, image) == size and content[8:] == firmware.read_bytes()
    for place in (4, 8 + size // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        image.write_bytes(damaged)
        assert length_found(bios, image) == 0


def test_a_length_that_the_bios_refuses_is_refused(bios: Path, tmp_path: Path) -> None:
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(bytes(31))
    (tmp_path / "short").write_bytes((31).to_bytes(4, "little") + bytes(35))
    assert length_found(bios, tmp_path / "short") == 0
    assert "must have 32 to 16777216 bytes, not 31" in write_image(firmware).stderr


def test_an_image_that_does_not_fit_into_the_flash_is_refused(tmp_path: Path) -> None:
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(bytes(100))
    assert write_image(firmware, 0x20_0000 + 108).returncode == 0
    done = write_image(firmware, 0x20_0000 + 107)
    assert "the image of the firmware must have up to 107 bytes, not 108" in done.stderr
