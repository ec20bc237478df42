/* Measures itself for a debugger, which writes the input and `board_ask`, and reads what came of it. */
#include "bench.h"
#include "model.h"

enum { BEGIN = 1, RUN, OPERATORS, SELF_TEST, SPIN }; /* as in firmware/board/measure.py of latent_nas */

volatile uint32_t board_ask, board_cycles, board_wraps;
volatile int32_t board_wrong;
void board_turn(void);
void SysTick_Handler(void);

#define TICK ((volatile uint32_t *)0xE000E010u) /* control, reload, value: 24 bits that run down, on every core */
#define CYCCNT ((volatile uint32_t *)0xE0001004u)

static int ticks; /* SysTick counts, as there is no DWT->CYCCNT or it stands still */

void SysTick_Handler(void)
{
    board_wraps++;
}

static uint32_t now(void)
{
    uint32_t wraps, left;
    if (!ticks)
        return *CYCCNT;
    do {
        wraps = board_wraps;
        left = TICK[2];
    } while (wraps != board_wraps);
    return (wraps << 24) + (0xFFFFFFu - left);
}

static void start(void)
{
#ifndef __ARM_ARCH_6M__
    *(volatile uint32_t *)0xE000EDFCu |= 1u << 24; /* DEMCR: trace on */
    *(volatile uint32_t *)0xE0001FB0u = 0xC5ACCE55u; /* DWT unlocked, where it has a lock */
    *(volatile uint32_t *)0xE0001000u |= 1u;
    uint32_t before = *CYCCNT;
    for (volatile int i = 0; i < 8; i++) {
    }
    ticks = *CYCCNT == before;
#else
    ticks = 1;
#endif
    if (ticks) {
        TICK[1] = 0xFFFFFFu;
        TICK[2] = 0;
        TICK[0] = 7; /* on, with its interrupt, at the core's clock */
    }
}

/* A debugger stops here. */
__attribute__((noinline)) void board_turn(void)
{
    __asm volatile("" : : : "memory");
}

int main(void)
{
    model_init();
    start();
    for (;;) {
        board_turn();
        uint32_t before = now();
        switch (board_ask) {
        case BEGIN:
            model_init();
            break;
        case RUN:
            model_run();
            break;
        case OPERATORS:
            for (uint32_t i = 0; i < bench_operators; i++) {
                uint32_t from = now();
                bench_table[i].run();
                bench_cycles[i] = now() - from;
            }
            break;
#ifdef SELF_TESTED
        case SELF_TEST:
            board_wrong = model_self_test();
            break;
#endif
        case SPIN:
            while (board_ask == SPIN)
                board_cycles = now() - before;
            continue;
        default:
            break;
        }
        board_cycles = now() - before;
    }
}
