/* From reset to main: vector table, .data copied, .bss zeroed. */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;
int main(void);
void Reset_Handler(void);
void Fault_Handler(void);

typedef void (*handler)(void);
extern const handler vectors[16];

__attribute__((used, section(".vectors"))) const handler vectors[16] = {
    (handler)&stack_top, Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, 0,
    0, 0, 0, Fault_Handler, Fault_Handler, 0, Fault_Handler, Fault_Handler,
};

__attribute__((used)) void Reset_Handler(void)
{
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88u |= 0xF00000u; /* the compiler may use the registers of the FPU */
    __asm volatile("dsb\n isb");
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
