/* Built with -DBENCH: one inference, cycles per operator as CSV for `latent-nas calibrate`, the output as hex. */
#ifdef BENCH
#include "bench.h"
#include "model.h"

#ifndef BENCH_COUNTER /* address of a 32-bit counter that runs up; DWT->CYCCNT of Cortex-M3 and up */
#define BENCH_COUNTER 0xE0001004u
#ifdef __ARM_ARCH_6M__
#error "this core has no cycle counter: give -DBENCH_COUNTER, the address of a timer that runs at the core's clock"
#endif
#endif

static uint32_t now(void)
{
    return *(volatile uint32_t *)BENCH_COUNTER;
}

static void start(void)
{
    if (BENCH_COUNTER != 0xE0001004u)
        return;
    *(volatile uint32_t *)0xE000EDFCu |= 1u << 24; /* DEMCR: trace on */
    *(volatile uint32_t *)0xE0001FB0u = 0xC5ACCE55u; /* DWT unlocked, where it has a lock */
    *(volatile uint32_t *)0xE0001004u = 0;
    *(volatile uint32_t *)0xE0001000u |= 1u;
}

static uint32_t ask(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt #0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* Semihosting: a debugger shows the text. For a UART, put a bench_write and a bench_end of your own in their place. */
__attribute__((weak, noinline)) void bench_write(const char *text)
{
    ask(4, text);
}

__attribute__((weak, noinline)) void bench_end(void)
{
    ask(0x18, (const void *)0x20026);
}

static void number(uint32_t value)
{
    char digits[11], *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    bench_write(at);
}

int main(void)
{
    model_init();
    start();
    for (uint32_t i = 0; i < bench_operators; i++) {
        uint32_t before = now();
        bench_table[i].run();
        bench_cycles[i] = now() - before;
    }
    bench_write(bench_header);
    for (uint32_t i = 0; i < bench_operators; i++) {
        bench_write(bench_table[i].row);
        number(bench_cycles[i]);
        bench_write("\n");
    }
    bench_write("# output ");
    for (uint32_t i = 0; i < bench_outputs; i++) {
        uint8_t byte = (uint8_t)model_output()[i];
        char hex[3] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15], 0};
        bench_write(hex);
    }
    bench_write("\n");
    bench_end();
    for (;;) {
    }
}
#else
typedef int nn_bench_is_empty;
#endif
