/* SPDX-License-Identifier: 0BSD */
/* Runs a network on the accelerator, and prints what comes out.
 *
 * The program file and an input are part of this firmware. Nothing else is needed but LiteX's C
 * library and the driver.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <generated/csr.h>
#include <generated/mem.h>
#include <generated/soc.h>
#include <irq.h>
#include <libbase/uart.h>
#include <system.h>

#include "naas.h"
#include "naas_registers.h"

extern const uint8_t naas_program[], naas_program_end[], naas_given[], naas_given_end[];
extern uint8_t _memory[]; /* behind the firmware, to the end of main memory */

enum { WORD_BYTES = 8, MAX_ARRAYS = 8 };

enum { SPARE_CYCLES = 1 << 20 }; /* for what happens around the layers of a start */

typedef struct {
    uint64_t cycles, stall_load, stall_store, reads, writes;
    uint32_t starts;
} counts;

static counts total;

static uint32_t read32(void *context, uint32_t offset)
{
    (void)context;
    return *(volatile uint32_t *)(NAAS_BASE + offset);
}

static void write32(void *context, uint32_t offset, uint32_t value)
{
    (void)context;
    *(volatile uint32_t *)(NAAS_BASE + offset) = value;
}

/* The accelerator sees neither the data cache of the CPU nor the cache in front of the SDRAM.
 * LiteX empties the latter by reading through the former, which must be empty for it. What the
 * reads have left there must go, too. */
static void empty_caches(void)
{
    flush_cpu_dcache();
    flush_l2_cache();
    flush_cpu_dcache();
}

static void flush(void *context, const void *first, size_t size)
{
    (void)context, (void)first, (void)size;
    empty_caches();
}

static void invalidate(void *context, void *first, size_t size)
{
    (void)context, (void)first, (void)size;
    empty_caches();
}

static uint64_t counter(uint32_t offset)
{
    return read32(0, offset) | (uint64_t)read32(0, offset + 4) << 32;
}

static void add_counts(void)
{
    total.cycles += counter(NAAS_REG_CYCLES_LOW);
    total.stall_load += counter(NAAS_REG_STALL_LOAD_LOW);
    total.stall_store += counter(NAAS_REG_STALL_STORE_LOW);
    total.reads += counter(NAAS_REG_DRAM_READS_LOW);
    total.writes += counter(NAAS_REG_DRAM_WRITES_LOW);
    total.starts++;
}

/* How long a start may take: the hardware stops each of its layers at the watchdog's limit. A step
 * of a loop takes a cycle or more, so so many steps are not too few. 0: there is no limit. */
static uint64_t most_cycles(void)
{
    uint64_t cycles = (uint64_t)read32(0, NAAS_REG_WATCHDOG) * NAAS_WATCHDOG_CYCLES;
    return cycles ? cycles * read32(0, NAAS_REG_NUM_DESCRIPTORS) + SPARE_CYCLES : 0;
}

#ifdef NAAS_INTERRUPT
static volatile int has_ended;

/* The line stays high until the driver clears it, so it is not let through until the next wait. */
static void on_interrupt(void)
{
    naas_ev_enable_write(0);
    has_ended = 1;
}

static void begin_wait(void)
{
    has_ended = 0;
    naas_ev_enable_write(1);
}

static int is_at_end(void)
{
    return has_ended;
}
#else
/* A CPU without interrupts looks at the line. */
static void begin_wait(void) {}

static int is_at_end(void)
{
    return naas_ev_status_read() != 0;
}
#endif

static int wait_for_interrupt(void *context)
{
    (void)context;
    uint64_t limit = most_cycles();
    begin_wait();
    for (uint64_t step = 0; !is_at_end(); step++)
        if (limit && step == limit)
            return 1;
    add_counts();
    return 0;
}

static void set_up_interrupts(void)
{
#ifdef NAAS_INTERRUPT
    irq_setmask(0);
    irq_setie(1);
    irq_attach(NAAS_INTERRUPT, on_interrupt);
    irq_setmask(irq_getmask() | 1u << NAAS_INTERRUPT);
#endif
    uart_init();
}

/* The step is a power of two. */
static uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) & ~(step - 1);
}

/* Bytes as hexadecimal digits, two each. */
static void print_bytes(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void print_number(const char *name, uint64_t number)
{
    printf("naas: %s %lu\n", name, (unsigned long)number); /* below 2^32 in every use */
}

static size_t bytes_of(const naas_tensor *tensor)
{
    size_t numbers = (size_t)tensor->channels * tensor->rows * tensor->columns;
    return numbers * naas_type_bytes(tensor->type);
}

/* Whether main memory reaches to an address; says so if not. */
static naas_status check_end(uint64_t end)
{
    uint64_t last = (uint64_t)MAIN_RAM_BASE + MAIN_RAM_SIZE;
    if (end <= last)
        return NAAS_OK;
    printf("naas: main memory must have %lu KiB for this network, and has %lu KiB\n",
           (unsigned long)((end - MAIN_RAM_BASE + 1023) >> 10),
           (unsigned long)MAIN_RAM_SIZE >> 10);
    return NAAS_SMALL_MEMORY;
}

/* Where the program, its tensors and the arrays of its user lie, one behind the other. */
typedef struct {
    uint8_t *workspace;
    naas_region memory;
    uint8_t *arrays;
} places;

static naas_status place(const naas_needs *needs, places *found)
{
    uint64_t workspace = round_up((uintptr_t)_memory, WORD_BYTES);
    uint64_t first = round_up(workspace + needs->workspace_bytes, NAAS_PAGE_BYTES);
    uint64_t end = round_up(first + needs->memory_bytes, WORD_BYTES);
    naas_region memory = {(void *)(uintptr_t)first, first, (size_t)needs->memory_bytes};
    found->workspace = (uint8_t *)(uintptr_t)workspace;
    found->memory = memory;
    found->arrays = (uint8_t *)(uintptr_t)end;
    return check_end(end);
}

static naas_device device;
static naas_array inputs[MAX_ARRAYS], outputs[MAX_ARRAYS];
static size_t output_bytes[MAX_ARRAYS];

/* Inputs are in the firmware, one behind the other, each at a multiple of eight. */
static naas_status find_arrays(const naas_needs *needs, uint8_t *free_bytes)
{
    naas_tensor tensor;
    const uint8_t *given = naas_given;
    for (uint32_t i = 0; i < needs->num_inputs; i++) {
        naas_status status = naas_input(&device, i, &tensor);
        if (status != NAAS_OK)
            return status;
        naas_array array = {(void *)given, tensor.type, NAAS_MODEL_LAYOUT};
        inputs[i] = array;
        given += (size_t)round_up(bytes_of(&tensor), WORD_BYTES);
    }
    uint64_t end = (uintptr_t)free_bytes;
    for (uint32_t i = 0; i < needs->num_outputs; i++) {
        naas_status status = naas_output(&device, i, &tensor);
        if (status != NAAS_OK)
            return status;
        naas_array array = {(void *)(uintptr_t)end, tensor.type, NAAS_MODEL_LAYOUT};
        outputs[i] = array;
        output_bytes[i] = bytes_of(&tensor);
        end += round_up(output_bytes[i], WORD_BYTES);
    }
    return given == naas_given_end ? check_end(end) : NAAS_BAD_ARGUMENT;
}

static naas_status run(naas_needs *needs)
{
    static const naas_io io = {.read32 = read32, .write32 = write32, .flush = flush,
                               .invalidate = invalidate, .wait = wait_for_interrupt};
    size_t size = (size_t)(naas_program_end - naas_program);
    naas_status status = naas_check(naas_program, size, needs);
    if (status != NAAS_OK)
        return status;
    if (needs->num_inputs > MAX_ARRAYS || needs->num_outputs > MAX_ARRAYS)
        return NAAS_BAD_ARGUMENT;
    places found;
    status = place(needs, &found);
    if (status != NAAS_OK)
        return status;
    status = naas_open(&device, naas_program, size, found.memory, found.workspace,
                       (size_t)needs->workspace_bytes, &io);
    if (status == NAAS_OK)
        status = naas_load(&device);
    if (status == NAAS_OK)
        status = find_arrays(needs, found.arrays);
    return status == NAAS_OK ? naas_run(&device, inputs, outputs, 1) : status;
}

static void print_errors(void)
{
    for (uint32_t bit = 0; bit < 32; bit++)
        if (device.errors >> bit & 1 && naas_error_text(bit))
            printf("naas: %s\n", naas_error_text(bit));
}

static void print_results(const naas_needs *needs)
{
    for (uint32_t i = 0; i < needs->num_outputs; i++) {
        printf("naas: output %lu ", (unsigned long)i);
        print_bytes(outputs[i].data, output_bytes[i]);
    }
    print_number("starts", total.starts);
    print_number("cycles", total.cycles);
    print_number("stall_load", total.stall_load);
    print_number("stall_store", total.stall_store);
    print_number("dram_reads", total.reads);
    print_number("dram_writes", total.writes);
}

int main(void)
{
    naas_needs needs;
    set_up_interrupts();
    printf("naas: a network on the accelerator of this SoC\n");
    naas_status status = run(&needs);
    if (status == NAAS_OK)
        print_results(&needs);
    if (status == NAAS_HARDWARE_ERROR)
        print_errors();
    printf("naas: %s\n", status == NAAS_OK ? "done" : naas_status_text(status));
    uart_sync();
#ifdef CSR_FINISH_BASE
    finish_now_write(1); /* ends a simulation */
#endif
    for (;;)
        ;
}
