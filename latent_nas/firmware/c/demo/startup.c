/* From reset to main: vector table, .data copied, .bss zeroed. */
#include <stdint.h>

extern uint32_t stack_limit, stack_top, data_load, data_start, data_end, bss_start, bss_end;
int main(void);
void Reset_Handler(void);
void Fault_Handler(void);
void SysTick_Handler(void) __attribute__((weak, alias("Fault_Handler")));

typedef void (*handler)(void);
extern const handler vectors[16];

#if __ARM_ARCH >= 7
#define FAULT Fault_Handler /* memory, bus and usage faults and the debug monitor, which Armv6-M reserves */
#else
#define FAULT 0
#endif
#ifdef __ARM_ARCH_8M_MAIN__
#define SECURE_FAULT Fault_Handler
#else
#define SECURE_FAULT 0
#endif

__attribute__((used, section(".vectors"))) const handler vectors[16] = {
    (handler)&stack_top, Reset_Handler, Fault_Handler, Fault_Handler, FAULT, FAULT, FAULT, SECURE_FAULT,
    0, 0, 0, Fault_Handler, FAULT, 0, Fault_Handler, SysTick_Handler,
};

__attribute__((used)) void Reset_Handler(void)
{
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88u |= 0xF00000u; /* the compiler may use the registers of the FPU */
    __asm volatile("dsb\n isb");
#endif
#ifdef __ARM_ARCH_8M_MAIN__
    __asm volatile("msr msplim, %0" : : "r"(&stack_limit)); /* an overflow faults, whatever lies below the stack */
#endif
    const uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    main();
    Fault_Handler();
}

void Fault_Handler(void)
{
    for (;;)
        __asm volatile("bkpt #0");
}
