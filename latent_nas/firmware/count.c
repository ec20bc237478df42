/* Counts the basic blocks that an emulated firmware runs, per operator; called by unicorn at every block. */
#include <stdint.h>

typedef struct {
    uint64_t base, slots;  /* code begins at base; a slot is two bytes of it */
    uint64_t current;      /* operator that runs; 0: none */
    const uint16_t *enter; /* per slot: operator that begins there, counted from 1; 0: none */
    uint64_t *counts;      /* (operators + 1, slots) */
    uint32_t *bytes;       /* per slot: size of the block that begins there */
} counter;

void on_block(void *uc, uint64_t address, uint32_t size, void *state)
{
    counter *c = state;
    uint64_t slot = (address - c->base) >> 1;
    (void)uc;
    if (slot >= c->slots)
        return;
    if (c->enter[slot])
        c->current = c->enter[slot];
    c->bytes[slot] = size;
    c->counts[c->current * c->slots + slot]++;
}
