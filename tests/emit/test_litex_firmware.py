"""The firmware of a LiteX SoC on this machine, with a driver that only says what it is given."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from driver_programs import SMALL

from naas_hw.core.resources import template_folder
from naas_hw.driver.sources import driver_sources
from naas_hw.driver.status import TEXTS, Status
from naas_hw.emit.package import design_facts
from naas_hw.emit.registers import register_files

pytestmark = pytest.mark.needs("g++")

MEMORY_BYTES = 1 << 20
HEADERS = {
    "generated/csr.h": "#define CSR_FINISH_BASE 1\nvoid finish_now_write(int value);\n"
    "void naas_ev_enable_write(int value);\nint naas_ev_status_read(void);\n",
    "generated/mem.h": "#include <stdint.h>\nextern uint8_t _memory[];\n"
    "#define MAIN_RAM_BASE ((uintptr_t)_memory)\n"
    f"#define MAIN_RAM_SIZE {MEMORY_BYTES}ul\n"
    "extern uint32_t registers[1024];\n#define NAAS_BASE ((uintptr_t)registers)\n",
    "generated/soc.h": "",
    "irq.h": "void irq_setmask(unsigned mask);\nvoid irq_setie(unsigned on);\n"
    "unsigned irq_getmask(void);\nvoid irq_attach(unsigned line, void (*function)(void));\n",
    "libbase/uart.h": "void uart_init(void);\nvoid uart_sync(void);\n",
    "system.h": "void flush_cpu_dcache(void);\nvoid flush_l2_cache(void);\n",
}

DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <generated/csr.h>
#include <generated/mem.h>
#include <irq.h>
#include <libbase/uart.h>
#include <system.h>
#include "naas.h"
#include "naas_registers.h"

uint32_t registers[1024];
uint8_t _memory[MAIN_RAM_SIZE] __attribute__((aligned(4096)));
const uint8_t naas_program[8], naas_program_end[1], naas_given[8];
__asm__(".globl naas_given_end\n.set naas_given_end, naas_given + 8\n");

static void (*on_interrupt)(void);
static int is_answered;

void finish_now_write(int value) { (void)value; exit(0); }
void naas_ev_enable_write(int value)
{
    if (value && is_answered && on_interrupt)
        on_interrupt();
}
int naas_ev_status_read(void) { return is_answered; }
void irq_setmask(unsigned mask) { (void)mask; }
void irq_setie(unsigned on) { (void)on; }
unsigned irq_getmask(void) { return 0; }
void irq_attach(unsigned line, void (*function)(void)) { (void)line; on_interrupt = function; }
void uart_init(void) {}
void uart_sync(void) { fflush(stdout); }
void flush_cpu_dcache(void) { printf("data cache\n"); }
void flush_l2_cache(void) { printf("L2\n"); }

static uint64_t given(const char *name) { return strtoull(getenv(name), NULL, 0); }

naas_status naas_check(const void *program, size_t size, naas_needs *needs)
{
    (void)program, (void)size;
    memset(needs, 0, sizeof *needs);
    needs->workspace_bytes = given("WORKSPACE");
    needs->memory_bytes = given("MEMORY");
    needs->num_inputs = needs->num_outputs = 1;
    return NAAS_OK;
}

static naas_io io;

naas_status naas_open(naas_device *device, const void *program, size_t size, naas_region memory,
                      void *workspace, size_t workspace_size, const naas_io *from_caller)
{
    (void)device, (void)program, (void)size, (void)workspace, (void)workspace_size;
    io = *from_caller;
    printf("opened at %lu\n", (unsigned long)(memory.bus - MAIN_RAM_BASE));
    return NAAS_OK;
}
naas_status naas_load(naas_device *device) { (void)device; return NAAS_OK; }
naas_status naas_input(const naas_device *device, uint32_t input, naas_tensor *tensor)
{
    (void)device, (void)input;
    naas_tensor found = {.channels = 8, .rows = 1, .columns = 1};
    *tensor = found;
    return NAAS_OK;
}
naas_status naas_output(const naas_device *device, uint32_t output, naas_tensor *tensor)
{
    (void)device, (void)output;
    naas_tensor found = {.channels = (uint32_t)given("OUTPUT"), .rows = 1, .columns = 1};
    *tensor = found;
    return NAAS_OK;
}
size_t naas_type_bytes(naas_type type) { (void)type; return 1; }

naas_status naas_run(naas_device *device, const naas_array *inputs, const naas_array *outputs,
                     uint32_t num_images)
{
    (void)device, (void)inputs, (void)outputs, (void)num_images;
    registers[NAAS_REG_WATCHDOG / 4] = 1;
    registers[NAAS_REG_NUM_DESCRIPTORS / 4] = 3;
    is_answered = (int)given("ANSWERED");
    io.flush(NULL, _memory, 1);
    int waited = io.wait(NULL);
    printf("waited: %d\n", waited);
    io.invalidate(NULL, _memory, 1);
    return waited ? NAAS_TIMEOUT : NAAS_OK;
}

const char *naas_status_text(naas_status status)
{
    static const char *texts[] = {
#define TEXT(name, text) text,
        NAAS_STATUS_LIST(TEXT)
    };
    return texts[status];
}
const char *naas_error_text(uint32_t bit) { (void)bit; return NULL; }
"""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What the program of a network needs, and whether the accelerator ends."""

    workspace: int = 1000
    memory: int = 1 << 16
    output: int = 16
    is_answered: bool = True


@pytest.fixture(scope="module", params=["-DNAAS_INTERRUPT=1", "-UNAAS_INTERRUPT"])
def firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, for a CPU with interrupts, and for one without."""
    place = tmp_path_factory.mktemp("firmware")
    files = {f"include/{name}": text for name, text in HEADERS.items()}
    files |= {f"include/{name}": text for name, text in driver_sources().items()}
    registers = register_files(design_facts(SMALL, 0))
    files |= {"include/naas_registers.h": registers["naas_registers.h"], "driver.c": DRIVER}
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    main = template_folder() / "litex" / "firmware" / "main.c"
    command = ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", request.param]
    command += ["-Iinclude", "-o", "firmware", "driver.c", str(main)]
    subprocess.run(command, cwd=place, check=True)
    return place / "firmware"


def lines_of(firmware: Path, needs: Needs) -> list[str]:
    """What the firmware prints, without its first line."""
    environment = {
        "WORKSPACE": str(needs.workspace),
        "MEMORY": str(needs.memory),
        "OUTPUT": str(needs.output),
        "ANSWERED": str(int(needs.is_answered)),
    }
    done = subprocess.run(
        [str(firmware)], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()[1:]


def test_all_caches_are_empty_before_a_start_and_after_it(firmware: Path) -> None:
    lines = lines_of(firmware, Needs())
    caches = ["data cache", "L2", "data cache"]
    assert lines[:8] == ["opened at 4096", *caches, "waited: 0", *caches]
    assert lines[8] == "naas: output 0 " + "00" * 16 and lines[-1] == "naas: done"


def test_a_wait_ends_after_the_limit_of_the_watchdog(firmware: Path) -> None:
    lines = lines_of(firmware, Needs(is_answered=False))
    assert "waited: 1" in lines
    assert lines[-1] == f"naas: {TEXTS[Status.TIMEOUT]}"


@pytest.mark.parametrize(
    "needs",
    [
        Needs(memory=MEMORY_BYTES - 4096 + 8),
        Needs(workspace=MEMORY_BYTES),
        Needs(memory=1 << 40),
        Needs(memory=MEMORY_BYTES - 4096, output=8),
    ],
)
def test_a_network_that_does_not_fit_into_the_memory_is_refused(
    needs: Needs, firmware: Path
) -> None:
    *_, sentence, status = lines = lines_of(firmware, needs)
    assert sentence.startswith("naas: main memory must have ")
    assert sentence.endswith(f" KiB for this network, and has {MEMORY_BYTES >> 10} KiB")
    assert status == f"naas: {TEXTS[Status.SMALL_MEMORY]}"
    assert not [line for line in lines if line.startswith("waited")]


def test_a_network_that_fills_the_memory_runs(firmware: Path) -> None:
    lines = lines_of(firmware, Needs(memory=MEMORY_BYTES - 4096 - 16, output=16))
    assert lines[-1] == "naas: done"
